#include <iostream>

#include "cli/command.h"
#include "cli/data.h"
#include "graft/core/runtime.h"
#include "graft/eval/evaluator.h"

namespace graft::cli {
namespace {

struct EvaluateFlags {
  std::string model, data, device = "auto";
  int threads = 0;
};

int run(const EvaluateFlags& flags, const Voice& voice) {
  start_runtime(flags.threads);
  const Interrupt interrupt;
  ProgressLine line(voice);
  Model model = Model::load(flags.model, {.device = flags.device});
  const Data data = open_data(flags.data, columns_of(model));
  const EvalReport report = Evaluator({.progress = line.function()}).run(model, data, interrupt.token());
  line.clear();
  if (const int code = Interrupt::exit_code(); code != 0) return code;
  if (voice.json) {
    std::cout << report.json().dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
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
  command->add_option("--data", flags->data, "A .csv or .tsv file with the columns that the model was trained on")->required();
  command->add_option("--device", flags->device, "auto, cpu or cuda:N")->capture_default_str();
  command->add_option("--threads", flags->threads, "Threads for tensor operators; 0: LibTorch's choice")->capture_default_str();
  return [flags, &voice] { return run(*flags, voice); };
}

}  // namespace graft::cli
