#pragma once

// What a run tells its logs.
#include "graft/train/loggers.h"
#include "toys.h"

namespace graft::test {

inline const Model& any_model() {
  static const Model model = toy_model();
  return model;
}

/// Of a run of 3 steps an epoch.
inline FitPlan plan_from(std::int64_t first_step) { return {.epochs = 4, .steps_per_epoch = 3, .steps = 12, .first_step = first_step}; }

inline EpochRecord epoch_record(int epoch, double loss) {
  return {.epoch = epoch,
          .train_loss = loss,
          .valid_loss = loss + 0.25,
          .metrics = {{"accuracy", 0.75}, {"f1, macro", 0.5}},
          .lr = 1e-3,
          .seconds = 1.5,
          .samples = 48};
}

inline StepRecord step_record(std::int64_t step) {
  const auto number = static_cast<double>(step);
  return {.step = step, .loss = 1 / number, .lr = 0.5 * number, .grad_norm = number, .epoch = 1, .samples = 16};
}

}  // namespace graft::test
