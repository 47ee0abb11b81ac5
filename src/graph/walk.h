#pragma once

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace graft::graph {

/// The network's forward. Throws ModelError if there is none.
torch::jit::Method forward_of(const torch::jit::Module& module);

/// A copy of the network's forward graph with all calls inlined; `self` is its first input.
std::shared_ptr<torch::jit::Graph> inlined_forward(const torch::jit::Module& module);

/// Takes what only happens in training out of an inlined graph: batch norm counts its batches there.
void assume_eval(std::shared_ptr<torch::jit::Graph> graph);

/// Calls `visit` for every node of the block and of the blocks inside, in order of execution.
void for_each_node(torch::jit::Block* block, const std::function<void(torch::jit::Node*)>& visit);

/// `path` is the dotted path of the module whose code the node is.
using CallSiteVisitor = std::function<void(torch::jit::Node* node, const std::string& path)>;
/// Every node of forward as it is written, with calls of methods and functions followed: a graph that two modules share comes up for each.
void for_each_call_site(const torch::jit::Module& module, const CallSiteVisitor& visit);

/// True for a value that is one tensor.
bool is_tensor(const torch::jit::Value* value);

/// "layer1" and "0" to "layer1.0"; either may be empty.
std::string join_path(const std::string& path, const std::string& name);

/// The path of a value below `self` of its graph; empty for `self` itself and for values that are no attribute.
std::string relative_path(const torch::jit::Value* value);

/// The value of a chain of attributes below `self`, which is `root`; nothing if the value is no such chain.
std::optional<c10::IValue> attribute_value(const torch::jit::Value* value, const torch::jit::Module& root);

/// The object that holds the attribute of that dotted path, and the attribute's own name.
std::pair<c10::intrusive_ptr<c10::ivalue::Object>, std::string> attribute_owner(const torch::jit::Module& root, const std::string& path);

/// The tensors that a value holds, itself or in lists and tuples.
std::vector<at::Tensor> tensors_in(const c10::IValue& value);

/// The dotted path of an attribute read from `self`: "encoder.layer.0.output.dense.weight"; empty if the node reads from anything else.
std::string attribute_path(const torch::jit::Node* get_attr);

/// Parameters in the order in which forward first reads them; those it never reads follow in order of registration.
std::vector<std::string> execution_order(const torch::jit::Module& module);

}  // namespace graft::graph
