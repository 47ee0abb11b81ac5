#pragma once

#include <vector>

#include "graft/core/error.h"
#include "graft/data/dataset.h"
#include "graft/model/model.h"
#include "graft/train/trainer_options.h"

namespace graft::train {

/// Says so if an epoch's last batch is one record and a batch norm that trains cannot take it (graft-C042); runs a copy of the network.
std::vector<Problem> try_last_batch(const Model& model, const Data& train, const TrainerOptions& options);

}  // namespace graft::train
