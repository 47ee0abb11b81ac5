#pragma once

#include <torch/csrc/jit/ir/ir.h>

namespace graft::graph {

/// Has linear layers and convolutions of a frozen graph (frozen_graph.h) computed in bfloat16, and with them what lies between two of them
/// and keeps its sums in float by itself: norms, activations, residual sums, attention, views. What decides by small differences stays in
/// float: positions, masks, softmax on its own, and the outputs.
void use_bfloat16(torch::jit::Graph& graph);

}  // namespace graft::graph
