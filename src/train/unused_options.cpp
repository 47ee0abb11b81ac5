#include "train/unused_options.h"

#include <string>
#include <utility>
#include <vector>

#include "core/names.h"

namespace graft::train {

std::optional<Problem> unused_options(const TrainerOptions& options) {
  const TrainerOptions usual;
  const std::vector<std::pair<const char*, bool>> read_by_steps{{"epochs", options.epochs.has_value()},
                                                                {"accumulate", options.accumulate != usual.accumulate},
                                                                {"optimizer", options.optimizer != usual.optimizer},
                                                                {"lr", options.lr != usual.lr},
                                                                {"backbone_lr_ratio", options.backbone_lr_ratio.has_value()},
                                                                {"layer_decay", options.layer_decay.has_value()},
                                                                {"weight_decay", options.weight_decay != usual.weight_decay},
                                                                {"schedule", options.schedule.text() != usual.schedule.text()},
                                                                {"clip", options.clip.text() != usual.clip.text()},
                                                                {"ema", options.ema != usual.ema},
                                                                {"regularizers", !options.regularizers.empty()},
                                                                {"sampler", options.sampler.has_value()},
                                                                {"best_metric", options.best_metric != usual.best_metric},
                                                                {"patience", options.patience != usual.patience},
                                                                {"limit_steps", options.limit_steps.has_value()},
                                                                {"overfit_batch", options.overfit_batch},
                                                                {"gradient_checkpointing", options.gradient_checkpointing},
                                                                {"step_budget", options.step_budget != usual.step_budget}};
  std::vector<std::string> given;
  for (const auto& [name, is_given] : read_by_steps) {
    if (is_given) given.emplace_back(name);
  }
  if (given.empty()) return std::nullopt;
  return Problem{
      "graft-W030",
      "[FineTune] the head is solved, not stepped; what steps would read is passed over: " + quoted_list(given, given.size()) + ".",
      "Leave them out, or take the preset finetune or full.", ""};
}

}  // namespace graft::train
