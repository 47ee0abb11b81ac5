#include "graph/dataflow.h"

#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/csrc/jit/passes/remove_mutation.h>

#include <algorithm>

#include "graph/baked_flags.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

std::vector<jit::Node*> with_inner(jit::Node* node) {
  std::vector<jit::Node*> all{node};
  for (jit::Block* block : node->blocks()) for_each_node(block, [&](jit::Node* inner) { all.push_back(inner); });
  return all;
}

/// Dropout and norms draw or count only while their flag is on; attention draws only with a rate.
bool draws(const jit::Node* node) {
  return node->isNondeterministic() && !has_training_flag(node) && node->kind() != c10::aten::scaled_dot_product_attention;
}

}  // namespace

bool writes(jit::Node* node) {
  return std::ranges::any_of(with_inner(node), [](const jit::Node* inner) {
    const auto* schema = inner->maybeSchema();
    return schema != nullptr && schema->is_mutable();
  });
}

Dataflow::Dataflow(std::shared_ptr<jit::Graph> graph, const jit::Module& module, const std::function<bool(const std::string&)>& trains)
    : graph_(std::move(graph)), module_(module) {
  for (const auto& parameter : module.named_parameters(/*recurse=*/true)) {
    if (trains(parameter.name)) trained_.insert(parameter.value.unsafeGetTensorImpl());
  }
  for_each_node(graph_->block(), [&](jit::Node* node) {
    if (node->kind() == c10::prim::SetAttr) state_.insert(join_path(relative_path(node->input(0)), node->s(c10::attr::name)));
  });
  jit::RemoveListMutation(graph_);
  jit::RemoveTensorMutation(graph_);
  do {
    classify();
  } while (settle_flags() || settle_writes());
}

Depends Dataflow::of(const jit::Value* value) const {
  const auto found = values_.find(value);
  return found == values_.end() ? Depends::Inputs : found->second;
}

bool Dataflow::trains(const jit::Node* get_attr) const {
  if (state_.contains(attribute_path(get_attr))) return true;
  const auto value = attribute_value(get_attr->output(), module_);
  if (!value) return true;  // unknown: never called fixed
  return std::ranges::any_of(tensors_in(*value),
                             [&](const at::Tensor& tensor) { return tensor.defined() && trained_.contains(tensor.unsafeGetTensorImpl()); });
}

void Dataflow::classify() {
  values_.clear();
  nodes_.clear();
  for (const jit::Value* input : graph_->inputs()) values_[input] = Depends::Inputs;
  values_[graph_->inputs()[0]] = Depends::Nothing;
  for (jit::Node* node : graph_->block()->nodes()) visit(node);
}

Depends Dataflow::visit(jit::Node* node) {
  Depends depends = Depends::Nothing;
  for (const jit::Value* input : node->inputs()) depends = std::max(depends, of(input));
  const bool calls = node->kind() == c10::prim::CallMethod || node->kind() == c10::prim::CallFunction;
  if (node->kind() == c10::prim::SetAttr || calls || draws(node) || forced_.contains(node)) depends = Depends::Training;
  if (node->kind() == c10::prim::GetAttr && trains(node)) depends = Depends::Training;
  for (jit::Block* block : node->blocks()) {
    for (const jit::Value* input : block->inputs()) values_[input] = depends;
    for (jit::Node* inner : block->nodes()) depends = std::max(depends, visit(inner));
    for (const jit::Value* output : block->outputs()) depends = std::max(depends, of(output));
  }
  for (const jit::Value* output : node->outputs()) values_[output] = depends;
  nodes_[node] = depends;
  return depends;
}

bool Dataflow::settle_flags() {
  std::unordered_map<const jit::Value*, std::set<std::string>> flags;  // modules whose flag a value is made of
  std::set<std::string> live;
  const auto of_inputs = [&](const jit::Node* node) {
    std::set<std::string> owners;
    for (const jit::Value* input : node->inputs()) {
      if (const auto found = flags.find(input); found != flags.end()) owners.insert(found->second.begin(), found->second.end());
    }
    return owners;
  };
  for_each_node(graph_->block(), [&](jit::Node* node) {
    std::set<std::string> owners = of_inputs(node);
    if (node->kind() == c10::prim::GetAttr && node->s(c10::attr::name) == "training") owners.insert(relative_path(node->input(0)));
    for (const jit::Block* block : node->blocks()) {
      for (const jit::Node* inner : block->nodes()) owners.merge(of_inputs(inner));
    }
    if (owners.empty()) return;
    if (nodes_.at(node) == Depends::Training) live.insert(owners.begin(), owners.end());
    for (const jit::Value* output : node->outputs()) {
      if (!output->type()->isSubtypeOf(*c10::TensorType::get())) flags[output].insert(owners.begin(), owners.end());
    }
  });
  const std::size_t before = forced_.size();
  for_each_node(graph_->block(), [&](jit::Node* node) {
    const bool may_draw = node->isNondeterministic() || node->kind() == c10::aten::scaled_dot_product_attention;
    if (!may_draw || nodes_.at(node) != Depends::Inputs) return;
    const auto owners = of_inputs(node);
    if (std::ranges::any_of(owners, [&](const std::string& owner) { return live.contains(owner); })) forced_.insert(node);
  });
  return forced_.size() > before;
}

bool Dataflow::settle_writes() {
  const std::vector<jit::Node*> top(graph_->block()->nodes().begin(), graph_->block()->nodes().end());
  std::vector<std::size_t> writers;
  for (std::size_t i = 0; i < top.size(); ++i) {
    if (writes(top[i])) writers.push_back(i);
  }
  if (writers.empty()) return false;
  const jit::AliasDb aliases(graph_);
  const std::size_t before = forced_.size();
  for (const std::size_t i : writers) {
    if (of(top[i]) == Depends::Training) {
      // The rest writes: what it may write to belongs to the rest.
      for (jit::Node* node : top) {
        const jit::ValueSet made(node->outputs().begin(), node->outputs().end());
        if (node == top[i] || of(node) == Depends::Training || node->kind() == c10::prim::GetAttr || made.empty()) continue;
        if (aliases.writesToAlias(top[i], made)) forced_.insert(node);
      }
      continue;
    }
    // The fixed part writes: not to what the rest has read before.
    for (std::size_t j = 0; j < i; ++j) {
      if (of(top[j]) != Depends::Training) continue;
      jit::ValueSet read;
      for (jit::Node* inner : with_inner(top[j])) read.insert(inner->inputs().begin(), inner->inputs().end());
      if (aliases.writesToAlias(top[i], read)) forced_.insert(top[i]);
    }
  }
  return forced_.size() > before;
}

}  // namespace graft::graph
