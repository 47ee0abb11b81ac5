#include "cli/cross_validation.h"

#include <iostream>

#include "cli/data.h"
#include "cli/run_folder.h"
#include "cli/train_data.h"
#include "core/names.h"
#include "graft/train/cross_validate.h"

namespace graft::cli {

int cross_validate(TrainSettings settings, const Voice& voice) {
  start_runtime(std::max(settings.threads, 0));
  const Interrupt interrupt;
  const TrainInputs inputs = load_inputs(settings);
  const RunFolder folder(settings.out);
  folder.write("config.json", settings.json());
  const auto line = std::make_shared<ProgressLine>(voice);
  int fold = 0;
  const auto make_model = [&] {
    line->clear();
    if (!voice.quiet) std::cerr << "fold " << ++fold << " of " << settings.folds << "\n";
    return inputs.make_model();
  };
  const CrossValidation found = graft::cross_validate(
      make_model, inputs.data.train,
      {.folds = static_cast<std::size_t>(settings.folds),
       .valid = settings.split < 0 ? 0.1 : settings.split,
       .stratify = inputs.task.stratify(),
       .seed = static_cast<std::uint64_t>(settings.seed),
       .fine_tune = {
           .preset = preset_from(settings.preset), .trainer = settings.trainer(), .callbacks = {line}, .stop = interrupt.token()}});
  line->clear();
  const Json result = found.json();
  folder.write("report.json", result);
  if (voice.json) {
    std::cout << json_text(result) << "\n";
  } else {
    std::cout << found.text() << "\nnext: the same command without --folds trains the model\n";
  }
  return Interrupt::exit_code();
}

}  // namespace graft::cli
