#pragma once

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace graft::graph {

/// The network's forward. Throws ModelError if there is none.
torch::jit::Method forward_of(const torch::jit::Module& module);

/// A copy of the network's forward graph with all calls inlined; `self` is its first input.
std::shared_ptr<torch::jit::Graph> inlined_forward(const torch::jit::Module& module);

/// Calls `visit` for every node of the block and of the blocks inside, in order of execution.
void for_each_node(torch::jit::Block* block, const std::function<void(torch::jit::Node*)>& visit);

/// The dotted path of an attribute read from `self`: "encoder.layer.0.output.dense.weight"; empty if the node reads from anything else.
std::string attribute_path(const torch::jit::Node* get_attr);

/// Parameters in the order in which forward first reads them; those it never reads follow in order of registration.
std::vector<std::string> execution_order(const torch::jit::Module& module);

}  // namespace graft::graph
