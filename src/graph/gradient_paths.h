#pragma once

#include <torch/csrc/jit/api/module.h>

#include <set>
#include <string>
#include <vector>

#include "graft/core/finding.h"

namespace graft::graph {

/// Parameters that no gradient reaches, though an output depends on them (graft-F008): behind detach(), no_grad, or operators without a
/// derivative. And parameters that no output depends on (graft-F009).
void find_gradient_paths(const torch::jit::Module& module, std::vector<Finding>& findings);

/// Dotted names of the parameters that a gradient of the outputs reaches.
std::set<std::string> parameters_with_gradient(const torch::jit::Module& module);

}  // namespace graft::graph
