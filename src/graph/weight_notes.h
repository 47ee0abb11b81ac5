#pragma once

#include <torch/csrc/jit/api/module.h>

#include <vector>

#include "graft/core/finding.h"

namespace graft::graph {

/// Weights of 8 bits behind quantized operators (graft-F011), of 16 bits or whole numbers (graft-F012), flags as saved (graft-F013) and
/// ties (graft-F014).
void find_weight_notes(const torch::jit::Module& module, std::vector<Finding>& findings);

}  // namespace graft::graph
