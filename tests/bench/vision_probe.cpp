// W4: the frozen pass of an image network over pictures in memory, and the head's epochs after it.
//   bench_vision_probe BACKBONE.pt [fast|fp32|exact [PICTURES [SIDE]]]      default: fast, which is bf16 where the processor is fast at it;
//   256 pictures of 224 pixels
#include <cstdlib>

#include "bench.h"
#include "core/stopwatch.h"
#include "graft/data/tensor_inputs.h"
#include "graft/graft.h"

using namespace graft;

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_vision_probe BACKBONE.pt [fast|fp32|exact [PICTURES [SIDE]]]\n");
    return 2;
  }
  const std::string form = argc > 2 ? argv[2] : "fast";
  const std::int64_t pictures = argc > 3 ? std::atoll(argv[3]) : 256, side = argc > 4 ? std::atoll(argv[4]) : 224;
  runtime({.keep_memory = true});
  at::manual_seed(0);
  const at::Tensor x = at::randn({pictures, 3, side, side}), label = at::arange(pictures) % 10;
  std::vector<std::string> labels;
  for (int i = 0; i < 10; ++i) labels.push_back(std::to_string(i));
  set_log_sink(console_log());
  const Backbone backbone = Backbone::load(argv[1]);
  const std::string argument = backbone.arguments().front().name;
  Model model(backbone, head::Classifier({.labels = labels}), TensorInputs({{argument, at::zeros({3, side, side})}}),
              {.device = "cpu", .prefix = form == "exact" ? PrefixForm::Exact : PrefixForm::Fast});
  if (form == "fast") model.set_precision(Precision::Auto);
  const Data data = data::tensors({{argument, x}, {"label", label}});
  (void)model.features({{argument, x.narrow(0, 0, 8)}});  // builds the fast form
  std::optional<FeatureSet> set;
  const bench::Usage usage = bench::measure([&] { set = FeatureSet::make(model, data); });
  const double seconds = set->compute_seconds();
  bench::print({{"workload", "W4"},
                {"form", form},
                {"precision", precision_name(model.precision())},
                {"images_per_second", static_cast<double>(pictures) / seconds},
                {"seconds", seconds},
                {"page_faults", usage.page_faults},
                {"allocations", usage.allocations},
                {"peak_memory_mb", bench::peak_memory_mb()},
                {"checksum", set->features().begin()->second.abs().mean().item<double>()}});
}
