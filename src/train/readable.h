#pragma once

#include "graft/data/dataset.h"
#include "graft/data/loader.h"
#include "graft/model/model.h"
#include "graft/train/trainer_options.h"

namespace graft::train {

struct Readable {
  Data data;
  Skipped skipped;
};

/// The training records that can be prepared, targets included; others are told in the log (graft-W014). Each is prepared once for that.
/// All of them, and nothing is prepared, where the run is to fail at such records, and with a sampler, which counts on all of them: then
/// they are left out batch by batch.
Readable readable(const Model& model, const Data& train, const TrainerOptions& options);

/// Counts what was left out elsewhere too.
void add(Skipped& all, const Skipped& more);

}  // namespace graft::train
