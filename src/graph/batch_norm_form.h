#pragma once

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

namespace graft::graph {

/// Has batch norms computed by batch_norm.h, with the sum and the ReLU after them where nobody else reads what lies in between. `module` is
/// that of the inlined graph.
void join_batch_norms(std::shared_ptr<torch::jit::Graph> graph, const torch::jit::Module& module);

}  // namespace graft::graph
