#pragma once

#include <torch/csrc/jit/api/module.h>

#include <vector>

#include "graft/core/finding.h"

namespace graft::graph {

/// Random numbers that are drawn in evaluation too, as no flag governs them (graft-F019): stochastic depth of a network that was exported
/// or traced in train mode.
void find_random_draws(const torch::jit::Module& module, std::vector<Finding>& findings);

}  // namespace graft::graph
