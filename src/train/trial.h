#pragma once

#include <vector>

#include "graft/core/error.h"
#include "graft/data/dataset.h"
#include "graft/model/model.h"

namespace graft::train {

struct Trial {
  /// What ends a run before its first step.
  std::vector<Problem> problems;
  /// What it may survive: a loss that is no sum over rows (graft-W010).
  std::vector<Problem> warnings;
};

/// Runs the first two training records that can be prepared through model, head and loss once, in eval mode, without gradients, and with
/// LibTorch's random numbers as they were: shapes, types, ranges.
Trial try_first_records(Model& model, const Data& train);

}  // namespace graft::train
