#pragma once

#include <torch/csrc/jit/api/module.h>

#include <vector>

#include "graft/core/finding.h"

namespace graft::graph {

class Editor;

/// Devices that tracing wrote down: the network fails or mixes devices when it is moved (graft-F005).
void find_fixed_devices(const torch::jit::Module& module, std::vector<Finding>& findings);

/// Makes them the device of the input of the method at hand.
void repair_fixed_devices(Editor& editor);

}  // namespace graft::graph
