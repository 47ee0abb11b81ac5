#pragma once

#include <torch/csrc/jit/ir/ir.h>

namespace graft::graph {

/// Rewrites attention that is written out, softmax(scale q k^T + mask) v, as scaled_dot_product_attention. Of a frozen graph
/// (frozen_graph.h).
void join_attention(torch::jit::Graph& graph);

/// Has scaled_dot_product_attention without dropout computed by short_attention(), which is faster on the CPU and the same elsewhere.
void shorten_attention(torch::jit::Graph& graph);

}  // namespace graft::graph
