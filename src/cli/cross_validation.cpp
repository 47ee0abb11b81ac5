#include "cli/cross_validation.h"

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "cli/data.h"
#include "cli/run_folder.h"
#include "cli/train_data.h"
#include "core/names.h"
#include "core/warning.h"
#include "graft/core/error.h"
#include "graft/train/cross_validate.h"
#include "graft/train/data_check.h"
#include "train/readable.h"
#include "train/rejection.h"
#include "train/tune.h"

namespace graft::cli {
namespace {

/// Flags that say nothing of folds, whatever their values.
void refuse_unfit(const TrainSettings& settings) {
  std::vector<Problem> problems;
  const auto refuse = [&](bool given, const std::string& what, const std::string& remedy) {
    if (given) problems.push_back({"graft-C104", "[graft train] " + what, remedy, ""});
  };
  refuse(settings.resume == "auto", "--resume auto goes on with a run, --folds trains several, of which no checkpoints are kept.",
         "Leave one of them out.");
  refuse(settings.preview_schedule, "--preview-schedule draws one run, --folds makes several.", "Leave --folds out to draw.");
  refuse(settings.profile, "--profile tells where the time of one run went, --folds makes several.", "Leave one of them out.");
  refuse(!settings.test.empty(), "--folds measures on parts of the training data, --test names another.", "Leave one of them out.");
  if (!problems.empty()) throw ConfigError(problems);
}

/// A fold's own folder, for its history.
std::string fold_folder(const std::string& folder, std::size_t fold) {
  return (std::filesystem::path(folder) / ("fold-" + std::to_string(fold))).string();
}

void forget_folds(const std::string& folder, std::size_t folds) {
  std::error_code ignored;
  for (std::size_t fold = 1; fold <= folds; ++fold) std::filesystem::remove_all(fold_folder(folder, fold), ignored);
}

/// What a fold's run tells, and what may end it, in files of its own.
std::vector<std::shared_ptr<Callback>> callbacks_of_fold(const TrainSettings& settings, std::size_t fold) {
  TrainSettings own = settings;
  own.out = fold_folder(settings.out, fold);
  if (!own.tensorboard.empty()) own.tensorboard = fold_folder(settings.tensorboard, fold);
  std::filesystem::create_directories(own.out);
  return own.callbacks();
}

/// All that can be told before the first fold.
void look_over(const TrainInputs& inputs, const TrainSettings& settings, const CrossValidationOptions& options) {
  Model model = inputs.make_model();
  Data scored = inputs.data.train;
  train::leave_out_of_scope(model.head(), scored);
  scored = train::readable(model, scored, settings.trainer()).data;
  FineTuneOptions fine_tune = options.fine_tune;
  fine_tune.callbacks = settings.stops();
  train::ready(model,
               options.valid > 0 ? scored.split({.valid = options.valid, .stratify = options.stratify, .seed = options.seed})
                                 : Splits{scored, {}, {}},
               fine_tune);
  inputs.data.train.folds(options.folds, {.stratify = options.stratify, .seed = options.seed});
  if (settings.check_only) std::ranges::for_each(check_data(model, {scored, {}, {}}), warn);
}

}  // namespace

int cross_validate(TrainSettings settings, const Voice& voice) {
  refuse_unfit(settings);
  start_runtime(std::max(settings.threads, 0));
  const Interrupt interrupt;
  const TrainInputs inputs = load_inputs(settings);
  const auto line = std::make_shared<ProgressLine>(voice);
  CrossValidationOptions options{
      .folds = static_cast<std::size_t>(settings.folds),
      .valid = settings.split < 0 ? 0.1 : settings.split,
      .stratify = inputs.task.stratify(),
      .seed = static_cast<std::uint64_t>(settings.seed),
      .fine_tune = {.preset = preset_from(settings.preset), .trainer = settings.trainer(), .stop = interrupt.token()}};
  options.prepare = [&](FineTuneOptions& fine_tune, const Splits& parts, std::size_t fold) {
    line->clear();
    if (!voice.quiet) std::cerr << "fold " << fold << " of " << settings.folds << "\n";
    fine_tune.callbacks = callbacks_of_fold(settings, fold);
    fine_tune.callbacks.push_back(line);
    if (settings.sampler == "balanced") fine_tune.trainer.sampler = Sampler::balanced(parts.train, inputs.task.targets.front());
  };
  look_over(inputs, settings, options);
  if (settings.check_only) {
    std::cout << (voice.json ? "{\"checked\": true}" : "everything fits; leave --check out to cross-validate") << "\n";
    return 0;
  }

  const RunFolder folder(settings.out, settings.force);
  forget_folds(settings.out, options.folds);
  folder.write("config.json", settings.json());
  const CrossValidation found = graft::cross_validate(inputs.make_model, inputs.data.train, options);
  line->clear();
  if (found.folds.empty()) {
    forget_folds(settings.out, options.folds);
    folder.discard();
    std::cerr << "interrupted before a fold was measured; nothing was saved\n";
    return Interrupt::exit_code();
  }
  const Json result = found.json();
  folder.write("report.json", result);
  if (voice.json) {
    std::cout << json_text(result) << "\n";
  } else {
    std::cout << found.text() << "\nnext: the same command without --folds, with another --out or with --force, trains the model\n";
  }
  if (found.is_interrupted()) std::cerr << "interrupted; " << found.folds.size() << " of " << found.planned << " folds were measured\n";
  return Interrupt::exit_code();
}

}  // namespace graft::cli
