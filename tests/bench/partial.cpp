// W3: partial fine-tuning of MiniLM, its lower layers frozen. Rates count epochs after the first, in which the frozen part does not run.
// W2: all of it trains, with FROZEN_LAYERS 0.
//   bench_partial BACKBONE.pt VOCAB.txt DATA_FOLDER [FROZEN_LAYERS [EPOCHS [RECORDS [PRECISION]]]]   default: 4 of 6, 3 epochs, all
//   records, auto
#include <cstdlib>

#include "bench.h"
#include "core/stopwatch.h"
#include "graft/graft.h"

using namespace graft;

namespace {

/// Seconds and steps of each epoch.
class Epochs final : public Callback {
 public:
  Action on_epoch(const EpochRecord& epoch) override {
    seconds.push_back(epoch.seconds);
    samples = epoch.samples;
    return Action::Continue;
  }
  std::vector<double> seconds;
  std::int64_t samples = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const Stopwatch whole;
  if (argc < 4) {
    std::fprintf(stderr, "usage: bench_partial BACKBONE.pt VOCAB.txt DATA_FOLDER [FROZEN_LAYERS [EPOCHS [RECORDS [PRECISION]]]]\n");
    return 2;
  }
  const std::string folder = argv[3];
  const int frozen = argc > 4 ? std::atoi(argv[4]) : 4, epochs = argc > 5 ? std::atoi(argv[5]) : 3;
  const Precision precision = argc > 7 ? precision_from(argv[7]) : Precision::Auto;
  runtime({.keep_memory = true});
  Splits data{data::csv(folder + "/train.csv"), {}, data::csv(folder + "/test.csv")};
  const auto labels = data.train.labels("category");
  if (argc > 6) {
    auto order = shuffled_order(data.train.size(), 0, 0);
    order.resize(std::min(order.size(), static_cast<std::size_t>(std::atoll(argv[6]))));
    data.train = data.train.subset(order);
  }
  Model model(Backbone::load(argv[1]), head::Classifier({.label = "category", .labels = labels, .dropout = 0.1}),
              text::Tokenizer::load(argv[2], {.text = "text"}),
              {.freeze = frozen == 0 ? Freeze::none() : Freeze::up_to("encoder.layer." + std::to_string(frozen - 1))});
  const auto timed = std::make_shared<Epochs>();
  Trainer trainer({.epochs = epochs, .batch_size = 32, .lr = 1e-3, .backbone_lr_ratio = 0.1, .precision = precision});
  trainer.add(timed);
  TrainReport report;
  const bench::Usage usage = bench::measure([&] { report = trainer.fit(model, data); });
  const EvalReport evaluation = Evaluator().run(model, data.test);
  nlohmann::json phases;
  for (const auto& [name, value] : report.phases) phases[name] = value;

  double best = timed->seconds.back();
  for (std::size_t i = 1; i < timed->seconds.size(); ++i) best = std::min(best, timed->seconds[i]);
  const double flops = 3 * bench::minilm_flops(bench::tokens_of(model, data.train), 6 - frozen), gemm = bench::gemm_rate();
  const auto steps = static_cast<double>(epochs) * std::ceil(static_cast<double>(timed->samples) / 32);
  bench::print({{"workload", frozen == 0 ? "W2" : "W3"},
                {"frozen_layers", frozen},
                {"seconds", whole.seconds()},
                {"phases", phases},
                {"epoch_seconds", timed->seconds},
                {"samples_per_second", static_cast<double>(timed->samples) / best},
                {"epoch_gflops", flops / best / 1e9},
                {"gemm_gflops", gemm},
                {"share_of_gemm", flops / best / 1e9 / gemm},
                {"page_faults_per_step", static_cast<double>(usage.page_faults) / steps},
                {"allocations_per_step", static_cast<double>(usage.allocations) / steps},
                {"peak_memory_mb", bench::peak_memory_mb()},
                {"accuracy", evaluation.metric("accuracy")}});
}
