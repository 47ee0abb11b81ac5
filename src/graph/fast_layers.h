#pragma once

#include <torch/csrc/jit/ir/ir.h>

namespace graft::graph {

/// Layers of a frozen graph (frozen_graph.h) with the kernels of oneDNN, which LibTorch brings for the CPU.

/// Linear layers that read one value become one layer, whose output is divided: one large product in place of small ones.
void merge_linears(torch::jit::Graph& graph);

/// Linear layers with packed weights; the activation or the sum that follows is computed while the product is in the cache.
void pack_linears(torch::jit::Graph& graph);

/// Norms of what packed linear layers give, on the same blocks of rows (row_blocks.h).
void block_norms(torch::jit::Graph& graph);

/// Convolutions of pictures with packed weights, channels last, with activation and sum as above.
void pack_convolutions(torch::jit::Graph& graph);

}  // namespace graft::graph
