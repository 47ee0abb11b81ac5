#pragma once

#include <vector>

#include "graft/core/api.h"
#include "graft/core/error.h"
#include "graft/data/dataset.h"
#include "graft/model/model.h"

namespace graft {

/// What looks wrong with the data and does not end a run, each with a count and examples: records that stand in the training data and in
/// what chooses or is reported on (graft-W001), classes with few records (W002), texts that are cut (W003), inputs that stand in the
/// training data with different answers (W004), classes of a classifier without a training record (W005). fine_tune() calls it and logs
/// what it finds.
GRAFT_API std::vector<Problem> check_data(const Model& model, const Splits& data);

}  // namespace graft
