#pragma once

#include "graft/data/dataset.h"
#include "graft/model/model.h"
#include "graft/optim/optimizer.h"
#include "graft/train/checkpoint.h"
#include "graft/train/trainer_options.h"

namespace graft::train {

/// What a run must share with the one that it continues, in words that a person can compare.
Manifest identity(const Model& model, const Splits& data, const TrainerOptions& options, const Optimizer& optimizer, int epochs);

/// What may differ, and then costs the equality of bits: device, processor, threads.
Manifest circumstances(const Model& model);

/// The precision in which the frozen part of the saved run was computed.
Precision frozen_precision_of(const Manifest& saved);

/// Throws CheckpointError if the run was another one; warns (graft-W006) where circumstances differ.
void require_same_run(const Manifest& saved, const Manifest& identity, const Manifest& circumstances, const std::string& folder);

}  // namespace graft::train
