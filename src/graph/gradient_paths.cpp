#include "graph/gradient_paths.h"

#include <torch/csrc/jit/ir/ir.h>

#include <set>
#include <unordered_map>
#include <unordered_set>

#include "core/names.h"
#include "graph/places.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

bool may_carry_gradient(const jit::Value* value) {
  switch (value->type()->kind()) {
    case c10::TypeKind::IntType:
    case c10::TypeKind::FloatType:
    case c10::TypeKind::BoolType:
    case c10::TypeKind::NumberType:
    case c10::TypeKind::StringType:
    case c10::TypeKind::NoneType:
    case c10::TypeKind::DeviceObjType:
      return false;
    default:
      return true;
  }
}

bool has_no_derivative(const jit::Node* node) {
  static const std::unordered_set<std::string> kinds = {"aten::detach",
                                                        "aten::detach_",
                                                        "aten::data",
                                                        "prim::data",
                                                        "aten::argmax",
                                                        "aten::argmin",
                                                        "aten::argsort",
                                                        "aten::eq",
                                                        "aten::ne",
                                                        "aten::lt",
                                                        "aten::le",
                                                        "aten::gt",
                                                        "aten::ge",
                                                        "aten::isnan",
                                                        "aten::isfinite",
                                                        "aten::one_hot",
                                                        "aten::round",
                                                        "aten::floor",
                                                        "aten::ceil",
                                                        "aten::sign",
                                                        "aten::nonzero",
                                                        "aten::bucketize",
                                                        "aten::logical_and",
                                                        "aten::logical_or",
                                                        "aten::logical_not",
                                                        "aten::zeros_like",
                                                        "aten::ones_like",
                                                        "aten::size",
                                                        "aten::_transformer_encoder_layer_fwd",
                                                        "aten::_native_multi_head_attention"};
  return kinds.contains(node->kind().toQualString()) || node->kind().ns().toUnqualString() == std::string("prepacked") ||
         node->kind().ns().toUnqualString() == std::string("quantized");
}

/// Walks from the outputs of an inlined graph back to the parameters that they depend on.
class Backwards {
 public:
  Backwards(jit::Graph& graph, bool with_gradient) : with_gradient_(with_gradient) {
    find_no_grad(graph.block(), 0);
    for_each_node(graph.block(), [&](jit::Node* node) { note_writes(node); });
    for (jit::Value* output : graph.outputs()) add(output);
    while (!open_.empty()) {
      jit::Value* value = open_.back();
      open_.pop_back();
      visit(value);
    }
  }

  /// Dotted names of attributes.
  const std::set<std::string>& reached() const { return reached_; }
  /// Attributes that hold several tensors, such as the weights of a scripted recurrent layer.
  std::vector<c10::IValue> lists(const jit::Module& module) const {
    std::vector<c10::IValue> values;
    for (const jit::Value* list : lists_) {
      if (auto value = attribute_value(list, module)) values.push_back(std::move(*value));
    }
    return values;
  }

 private:
  /// Nodes between the enter and the exit of torch.no_grad().
  void find_no_grad(jit::Block* block, int depth) {
    for (jit::Node* node : block->nodes()) {
      const bool edge = node->kind() == c10::prim::Enter || node->kind() == c10::prim::Exit;
      const auto type = edge ? node->input(0)->type()->cast<c10::ClassType>() : nullptr;
      if (type != nullptr && type->name() && type->name()->name() == "no_grad") depth += node->kind() == c10::prim::Enter ? 1 : -1;
      if (depth > 0) without_gradient_.insert(node);
      for (jit::Block* inner : node->blocks()) find_no_grad(inner, depth);
    }
  }

  /// A value that is written to, itself or through a view of it, depends on what is written.
  void note_writes(jit::Node* node) {
    const auto* schema = node->maybeSchema();
    if (node->kind() == c10::prim::SetAttr)
      set_[join_path(relative_path(node->input(0)), node->s(c10::attr::name))].push_back(node->input(1));
    if (schema == nullptr) return;
    for (std::size_t i = 0; i < schema->arguments().size() && i < node->inputs().size(); ++i) {
      const auto* alias = schema->arguments()[i].alias_info();
      if (alias == nullptr || !alias->isWrite()) continue;
      for (jit::Value* target = node->input(i);;) {
        writes_[target].push_back(node);
        jit::Node* maker = target->node();
        const auto* made_by = maker->maybeSchema();
        const bool is_view =
            made_by != nullptr && !made_by->returns().empty() && made_by->returns()[0].alias_info() != nullptr && !maker->inputs().empty();
        if (!is_view) break;
        target = maker->inputs()[0];
      }
    }
  }

  void add(jit::Value* value) {
    if (with_gradient_ && !may_carry_gradient(value)) return;
    if (seen_.insert(value).second) open_.push_back(value);
  }

  void add_inputs(jit::Node* node) {
    if (with_gradient_ && (has_no_derivative(node) || without_gradient_.contains(node))) return;
    for (jit::Value* input : node->inputs()) add(input);
  }

  void visit(jit::Value* value) {
    jit::Node* node = value->node();
    if (const auto writers = writes_.find(value); writers != writes_.end()) {
      for (jit::Node* writer : writers->second) add_inputs(writer);
    }
    if (node->kind() == c10::prim::Param) {  // of a loop's body: what goes in, and what the last round gave
      jit::Node* owner = node->owningBlock()->owningNode();
      if (owner == nullptr) return;
      for (jit::Value* input : owner->inputs()) add(input);
      for (jit::Value* output : node->owningBlock()->outputs()) add(output);
      return;
    }
    if (node->kind() == c10::prim::GetAttr) {
      const std::string path = attribute_path(node);
      reached_.insert(path);
      if (value->type()->kind() == c10::TypeKind::ListType) lists_.push_back(value);
      for (jit::Value* stored : set_[path]) add(stored);  // what forward itself puts there
      return;
    }
    for (jit::Block* block : node->blocks()) {
      for (jit::Value* output : block->outputs()) add(output);
    }
    add_inputs(node);
  }

  bool with_gradient_;
  std::unordered_set<const jit::Node*> without_gradient_;
  std::unordered_map<const jit::Value*, std::vector<jit::Node*>> writes_;
  std::unordered_map<std::string, std::vector<jit::Value*>> set_;  // by attribute
  std::unordered_set<const jit::Value*> seen_;
  std::vector<jit::Value*> open_;
  std::set<std::string> reached_;
  std::vector<const jit::Value*> lists_;
};

struct Lost {
  Places places;
  std::int64_t numbers = 0;
};

/// A tied weight counts under all its names.
std::set<std::string> reached_parameters(const jit::Module& module, bool with_gradient) {
  const auto graph = inlined_forward(module);
  const Backwards walk(*graph, with_gradient);
  std::set<const c10::TensorImpl*> tensors;
  std::set<std::string> names;
  for (const c10::IValue& list : walk.lists(module)) {
    for (const at::Tensor& tensor : tensors_in(list)) tensors.insert(tensor.unsafeGetTensorImpl());
  }
  for (const auto& parameter : module.named_parameters(/*recurse=*/true)) {
    if (walk.reached().contains(parameter.name)) tensors.insert(parameter.value.unsafeGetTensorImpl());
  }
  for (const auto& parameter : module.named_parameters(/*recurse=*/true)) {
    if (tensors.contains(parameter.value.unsafeGetTensorImpl())) names.insert(parameter.name);
  }
  return names;
}

}  // namespace

std::set<std::string> parameters_with_gradient(const jit::Module& module) { return reached_parameters(module, true); }

void find_gradient_paths(const jit::Module& module, std::vector<Finding>& findings) {
  const std::set<std::string> used = reached_parameters(module, false), trains = reached_parameters(module, true);
  Lost stopped, unused;
  std::size_t all = 0;
  for (const auto& parameter : module.named_parameters(/*recurse=*/true)) {
    ++all;
    if (trains.contains(parameter.name)) continue;
    Lost& lost = used.contains(parameter.name) ? stopped : unused;
    lost.places.add(parameter.name);
    lost.numbers += parameter.value.numel();
  }
  if (stopped.places.count() > 0) {
    const bool everything = stopped.places.count() + unused.places.count() == all;
    findings.push_back({"graft-F008", FindingKind::Obstacle,
                        "[Backbone] no gradient reaches " +
                            (everything ? std::string("any parameter") : counted(stopped.places.count(), "parameter")) + " (" +
                            with_commas(stopped.numbers) +
                            " numbers): forward takes detach(), no_grad or an operator without a derivative on the way" +
                            (everything ? ", so the network is not trainable end to end." : "."),
                        everything ? "Use it frozen, or take the features before that place; export it without them to train it."
                                   : "Freeze these parameters, or export the network without it.",
                        stopped.places.text()});
  }
  if (unused.places.count() > 0) {
    findings.push_back({"graft-F009", FindingKind::Note,
                        "[Backbone] nothing that comes out uses " + counted(unused.places.count(), "parameter") + " (" +
                            with_commas(unused.numbers) + " numbers).",
                        "They stay as they are, and cost memory only.", unused.places.text()});
  }
}

}  // namespace graft::graph
