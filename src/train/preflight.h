#pragma once

#include "graft/data/dataset.h"
#include "graft/model/model.h"

namespace graft::train {

/// Asks the head for the target of every record of every part, before anything is trained. Throws DataError with all problems found.
void preflight(const Model& model, const Splits& data);

}  // namespace graft::train
