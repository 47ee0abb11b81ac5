#pragma once

#include "graft/data/dataset.h"
#include "graft/model/model.h"
#include "graft/train/trainer_options.h"

namespace graft::train {

/// Whether all records have been looked at already; the policy may have changed since.
enum class Records { Unknown, Checked };

struct PreflightOptions {
  /// Of the run that begins; null: what depends on them is not looked at.
  const TrainerOptions* run = nullptr;
  Records records = Records::Unknown;
};

/// All that can be told before the first step: whether anything trains and a gradient reaches it, the target of every record of every part,
/// numbers that are none, and how the first training records run through the model (see trial.h). Throws with all problems found, as what
/// the first of them is: ConfigError, ModelError, DataError or NumericsError.
void preflight(Model& model, const Splits& data, const PreflightOptions& options = {});

}  // namespace graft::train
