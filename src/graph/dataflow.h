#pragma once

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace graft::graph {

/// What a value depends on. The order is that of joining: a value is as much as the most of what it is made of.
enum class Depends { Nothing, Inputs, Training };

/// True if the node, or one in its blocks, changes a value in place.
bool writes(torch::jit::Node* node);

/// Divides an inlined graph into what a policy leaves fixed and the rest. A block is one unit with all it holds. What draws random numbers
/// or touches a state of the network belongs to the rest; dropout and batch norm on fixed values do not, as their flags are off there.
class Dataflow {
 public:
  /// Makes in-place operations functional first where that changes nothing.
  Dataflow(std::shared_ptr<torch::jit::Graph> graph, const torch::jit::Module& module,
           const std::function<bool(const std::string&)>& trains);

  Depends of(const torch::jit::Node* node) const { return nodes_.at(node); }
  Depends of(const torch::jit::Value* value) const;

 private:
  void classify();
  Depends visit(torch::jit::Node* node);
  bool trains(const torch::jit::Node* get_attr) const;
  /// One module's dropout may be called on both sides: then its flag is on, and what it does to fixed values is random. True if a node had
  /// to change sides for that.
  bool settle_flags();
  /// Writes must not cross the border; true if a node had to change sides for that.
  bool settle_writes();

  std::shared_ptr<torch::jit::Graph> graph_;
  const torch::jit::Module& module_;
  std::unordered_set<const c10::TensorImpl*> trained_;
  std::set<std::string> state_;
  std::unordered_map<const torch::jit::Value*, Depends> values_;
  std::unordered_map<const torch::jit::Node*, Depends> nodes_;
  std::unordered_set<const torch::jit::Node*> forced_;
};

}  // namespace graft::graph
