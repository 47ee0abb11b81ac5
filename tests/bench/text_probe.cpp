// W1: a linear head on frozen MiniLM, from process start to the saved model and its accuracy. The pass over the backbone is compared with
// the rate of matrix products measured in the same run.
//   bench_text_probe BACKBONE.pt VOCAB.txt DATA_FOLDER [fast|fp32|exact]       DATA_FOLDER holds train.csv and test.csv with the columns
//   text, category
#include <filesystem>

#include "bench.h"
#include "core/stopwatch.h"
#include "graft/graft.h"

using namespace graft;

int main(int argc, char** argv) {
  const Stopwatch whole;
  if (argc < 4) {
    std::fprintf(stderr, "usage: bench_text_probe BACKBONE.pt VOCAB.txt DATA_FOLDER [fast|fp32|exact]\n");
    return 2;
  }
  const std::string data_folder = argv[3], form = argc > 4 ? argv[4] : "fast";
  runtime({.keep_memory = true});
  Splits data = data::csv(data_folder + "/train.csv").split({.valid = 0.1, .stratify = "category"});
  data.test = data::csv(data_folder + "/test.csv");
  Model model(Backbone::load(argv[1]), head::Classifier({.label = "category", .labels = data.labels("category")}),
              text::Tokenizer::load(argv[2], {.text = "text"}), {.prefix = form == "exact" ? PrefixForm::Exact : PrefixForm::Fast});
  FineTuneReport report;
  const bench::Usage usage = bench::measure(
      [&] { report = fine_tune(model, data, {.trainer = {.precision = form == "fast" ? Precision::Auto : Precision::Float32}}); });
  const std::string saved = std::filesystem::temp_directory_path() / "bench_text_probe.pt";
  model.save(saved);
  std::filesystem::remove(saved);
  const double seconds = whole.seconds(), peak = bench::peak_memory_mb();
  const Stopwatch measuring;

  double prefix = 0;
  nlohmann::json phases;
  for (const auto& [name, value] : report.training.phases) phases[name] = value;
  prefix = phases.at("prefix");
  const double flops = bench::minilm_flops(bench::tokens_of(model, data.train) + bench::tokens_of(model, data.valid), 6);
  const double gemm = bench::gemm_rate(), measured = measuring.seconds();
  bench::print({{"workload", "W1"},
                {"form", form},
                {"precision", precision_name(report.training.precision)},
                {"seconds", seconds},
                {"measuring_seconds", measured},  // at the end, no part of the workload
                {"phases", phases},
                {"prefix_gflops", flops / prefix / 1e9},
                {"gemm_gflops", gemm},
                {"share_of_gemm", flops / prefix / 1e9 / gemm},
                {"samples_per_second", static_cast<double>(data.train.size() + data.valid.size()) / prefix},
                {"page_faults", usage.page_faults},
                {"allocations", usage.allocations},
                {"peak_memory_mb", peak},
                {"accuracy", report.evaluation.metric("accuracy")}});
}
