#pragma once

#include "graft/data/dataset.h"
#include "graft/model/model.h"
#include "graft/train/trainer_options.h"

namespace graft::train {

/// All that can be told before the first step: whether anything trains and a gradient reaches it, the target of every record of every part,
/// numbers that are none, and how the first training records run through the model (see trial.h). Throws with all problems found, as what
/// the first of them is: ConfigError, ModelError, DataError or NumericsError. `options` are the run's; null: what depends on them is not
/// looked at.
void preflight(Model& model, const Splits& data, const TrainerOptions* options = nullptr);

}  // namespace graft::train
