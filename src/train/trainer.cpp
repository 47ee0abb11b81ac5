#include "graft/train/trainer.h"

#include <cmath>

#include "graft/core/error.h"
#include "train/run.h"
#include "train/usual_batch.h"

namespace graft {
namespace {

void check(const TrainerOptions& options) {
  std::vector<Problem> problems;
  const auto require = [&](bool holds, const std::string& message) {
    if (!holds) problems.push_back({"graft-C018", "[Trainer] " + message, "Correct the option; 0 switches off what can be.", ""});
  };
  require(!options.epochs || *options.epochs >= 1, "at least 1 epoch is wanted, got " + std::to_string(options.epochs.value_or(1)) + ".");
  require(options.batch_size >= 0,
          "a batch size of at least 1, or 0 for the usual one, is wanted, got " + std::to_string(options.batch_size) + ".");
  require(options.lr > 0 && std::isfinite(options.lr), "a learning rate above 0 is wanted, got " + std::to_string(options.lr) + ".");
  const double share = options.backbone_lr_ratio.value_or(usual_backbone_lr_ratio);
  require(share >= 0 && share <= 1, "a backbone_lr_ratio in [0, 1] is wanted.");
  require(options.weight_decay >= 0 && std::isfinite(options.weight_decay), "a weight decay of at least 0 is wanted.");
  require(options.step_budget >= 0 || options.step_budget == free_memory, "a step_budget of bytes, 0 or free_memory is wanted.");
  require(options.accumulate >= 1, "at least 1 batch a step is wanted, got " + std::to_string(options.accumulate) + ".");
  require(!options.layer_decay || (*options.layer_decay > 0 && *options.layer_decay <= 1), "a layer_decay in (0, 1] is wanted.");
  require(options.ema >= 0 && options.ema < 1, "an ema in [0, 1) is wanted.");
  require(!options.limit_steps || *options.limit_steps >= 1, "a limit of at least 1 step is wanted.");
  require(options.checkpoints.keep >= 1, "at least 1 checkpoint is to be kept.");
  require(options.checkpoints.every_steps >= 0 && options.checkpoints.every_seconds >= 0,
          "checkpoints every 0 or more steps and seconds are wanted.");
  for (std::size_t i = 1; i < options.unfreeze.size(); ++i)
    require(options.unfreeze[i - 1].epoch < options.unfreeze[i].epoch, "policies to unfreeze are wanted in the order of their epochs.");
  try {
    options.clip.check();
  } catch (const ConfigError& error) {
    problems.insert(problems.end(), error.problems().begin(), error.problems().end());
  }
  const auto is_alpha = [](double alpha) { return alpha >= 0 && std::isfinite(alpha); };
  require(is_alpha(options.mixup) && is_alpha(options.cutmix), "mixup and cutmix of at least 0 are wanted.");
  require(options.patience >= 0, "a patience of at least 0 is wanted.");
  require(options.threads >= 0, "at least 0 threads are wanted.");
  if (!problems.empty()) throw ConfigError(problems);
}

}  // namespace

Trainer::Trainer(TrainerOptions options) : options_(std::move(options)) { check(options_); }

Trainer& Trainer::add(std::shared_ptr<Callback> callback) {
  callbacks_.push_back(std::move(callback));
  return *this;
}

TrainReport Trainer::fit(Model& model, const Splits& data, std::stop_token stop) const {
  const TrainerOptions options = train::with_batch_size(options_, model, data.train.size());
  return train::Run(model, data, options, callbacks_, std::move(stop), train::Records::Unknown)();
}

}  // namespace graft
