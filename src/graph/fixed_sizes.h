#pragma once

#include <torch/csrc/jit/api/module.h>

#include <vector>

#include "graft/core/finding.h"

namespace graft::graph {

/// Batch sizes and lengths that tracing wrote down: the network takes inputs of the example's size only (graft-F010).
void find_fixed_sizes(const torch::jit::Module& module, std::vector<Finding>& findings);

}  // namespace graft::graph
