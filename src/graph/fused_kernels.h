#pragma once

#include <torch/csrc/jit/api/module.h>

#include <vector>

#include "graft/core/finding.h"

namespace graft::graph {

class Editor;

/// Kernels that only infer: a scripted encoder takes them in eval mode without gradients, past weights that were changed meanwhile
/// (graft-F006); on the path of a trace they cannot train at all (graft-F007).
void find_fused_kernels(const torch::jit::Module& module, std::vector<Finding>& findings);

/// Takes the branch with the kernel away, so that one path is left for training and evaluation.
void repair_fused_kernels(Editor& editor);

}  // namespace graft::graph
