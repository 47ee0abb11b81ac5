#pragma once

#include "graft/data/dataset.h"
#include "graft/model/model.h"
#include "graft/train/memory_fit.h"
#include "graft/train/trainer_options.h"

namespace graft::train {

/// How many records of a batch may be computed at once, so that a step takes no more than `options.step_budget`. Measures steps on the
/// longest record, repeated: of one record, of a few, and of as many as seem to fit, under the policy that trains most. `from_cut`: steps
/// read what crosses the freeze line. Leaves the model as it was. Throws ConfigError (graft-C043) if one record takes too much, and what a
/// step does. Records of 0 where none has a part in the loss. Something of the backbone trains under the widest policy.
MemoryFit fit_memory(Model& model, const Data& train, const TrainerOptions& options, bool from_cut, bool keeps_best);

}  // namespace graft::train
