#include <iostream>

#include "cli/command.h"
#include "cli/data.h"
#include "graft/core/runtime.h"
#include "graft/eval/evaluator.h"

namespace graft::cli {
namespace {

struct EvaluateFlags {
  std::string model, data, store, precision = "fp32";
  bool trust = false;
  MachineFlags machine;
};

int run(const EvaluateFlags& flags, const Voice& voice) {
  start_runtime(flags.machine.threads);
  const Interrupt interrupt;
  ProgressLine line(voice);
  Model model = Model::load(flags.model, {.device = flags.machine.device, .trust = flags.trust});
  model.set_precision(precision_from(flags.precision));
  const FeatureStore store = flags.store.empty() ? FeatureStore::off() : FeatureStore({.folder = flags.store});
  const Data data = open_measured(flags.data, columns_of(model), model.preprocess()->config().value("type", "") == "words");
  const EvalReport report = Evaluator({.progress = line.function(), .store = store}).run(model, data, interrupt.token());
  line.clear();
  if (const int code = Interrupt::exit_code(); code != 0) {
    std::cerr << "interrupted after " << report.samples << " of " << data.size() << " records\n";
    return code;
  }
  if (voice.json) {
    std::cout << json_text(report.json()) << "\n";
  } else {
    std::cout << report;
  }
  return 0;
}

}  // namespace

Run add_evaluate(CLI::App& app, Voice& voice) {
  auto flags = std::make_shared<EvaluateFlags>();
  CLI::App* command = app.add_subcommand("evaluate", "Metrics of a saved model on labelled data");
  command->footer("Example: graft evaluate run/model.pt --data test.csv");
  command->add_option("MODEL", flags->model, "A model saved by graft")->required();
  command->add_option("--data", flags->data, "A .csv, .tsv or .jsonl file with the columns that the model was trained on")->required();
  command->add_option("--store", flags->store, "A folder where what the frozen part gives is found and kept, as in graft train");
  command->add_option("--precision", flags->precision, "Of the frozen part: fp32, or bf16 to measure what training saw");
  command->add_flag("--trust", flags->trust, "Load the model without the check of its code");
  flags->machine.add_flags(*command);
  return [flags, &voice] { return run(*flags, voice); };
}

}  // namespace graft::cli
