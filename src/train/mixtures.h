#pragma once

#include "graft/data/dataset.h"
#include "graft/data/mixing.h"
#include "graft/model/model.h"
#include "graft/train/trainer_options.h"

namespace graft::train {

inline bool mixes(const TrainerOptions& options) { return options.mixup > 0 || options.cutmix > 0; }

/// How the loader of a run mixes training pictures; off where the options do not want it.
MixOptions mixing(const Model& model, const TrainerOptions& options);

/// Throws ConfigError if pictures are to be mixed and the samples have none, or the head cannot learn mixtures.
void require_mixable(const Model& model, const Data& train, const TrainerOptions& options);

/// Where what the frozen part gives of training data is kept: nowhere, which the log tells, if each epoch mixes the pictures anew.
FeatureStore training_store(const TrainerOptions& options);

}  // namespace graft::train
