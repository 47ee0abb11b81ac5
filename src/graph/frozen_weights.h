#pragma once

#include <torch/csrc/jit/api/module.h>

#include <vector>

#include "graft/core/finding.h"

namespace graft::graph {

class Editor;

/// Weights that torch.jit.freeze turned into constants: nothing of them can train (graft-F003).
void find_frozen_weights(const torch::jit::Module& module, std::vector<Finding>& findings);

/// Makes them parameters again, in modules named by the operator that uses them and its order: "conv0.weight", "linear3.bias". What no
/// operator takes as a weight (masks, tables of positions) becomes a buffer, "constants.0". Norms folded into convolutions stay folded.
void thaw(Editor& editor);

/// Weights that a mobile build packed into objects of their own, which have no gradient (graft-F004).
void find_prepacked_weights(const torch::jit::Module& module, std::vector<Finding>& findings);

/// Takes them out again: ordinary convolutions and linear layers with parameters, to rounding (1e-6) the same.
void unpack(Editor& editor);

}  // namespace graft::graph
