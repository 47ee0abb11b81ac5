#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <memory>
#include <optional>

#include "graph/network.h"

namespace graft::graph {

/// The forward of a network of which nothing changes any more, as one graph to rewrite at will: eval mode, calls inlined, in-place
/// operations made functional where nobody sees it, weights as constants, products with a transposed weight as linear layers.
std::shared_ptr<torch::jit::Graph> frozen_graph(const Network& network);

/// The tensor that a value always is, or nothing.
std::optional<at::Tensor> constant_tensor(const torch::jit::Value* value);

/// The number that a value always is; a tensor of one element counts as one.
std::optional<double> constant_number(const torch::jit::Value* value);

/// True for None, and for an argument that is not there.
bool is_none(const torch::jit::Value* value);

/// True if the node asks only for the shape of its first input, whatever it holds.
bool reads_shape(const torch::jit::Node* node);

/// The node that makes a value that nobody else reads, if it is of this kind ("aten::linear"); otherwise null.
torch::jit::Node* only_maker(const torch::jit::Value* value, const char* kind);

/// Inserts a node of an operator outside TorchScript's own, at the graph's insertion point.
torch::jit::Value* insert_operator(torch::jit::Graph& graph, const char* kind, const std::vector<torch::jit::Value*>& inputs);

}  // namespace graft::graph
