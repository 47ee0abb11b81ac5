#include "graph/baked_flags.h"

#include <torch/csrc/jit/ir/constants.h>

#include <functional>
#include <optional>
#include <unordered_map>

#include "graph/editor.h"
#include "graph/places.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

enum class Kind { Norm, Dropout, Recurrent };
struct Flag {
  Kind kind;
  std::size_t input;
};

bool is_constant(const jit::Value* value) { return value->node()->kind() == c10::prim::Constant; }

bool is_zero(const jit::Value* value) {
  const auto constant = jit::toIValue(value);
  return constant && ((constant->isDouble() && constant->toDouble() == 0) || (constant->isInt() && constant->toInt() == 0));
}

const std::unordered_map<std::string, Flag>& all_flags() {
  static const std::unordered_map<std::string, Flag> flags = {{"aten::batch_norm", {Kind::Norm, 5}},
                                                              {"aten::instance_norm", {Kind::Norm, 5}},
                                                              {"aten::native_batch_norm", {Kind::Norm, 5}},
                                                              {"aten::_batch_norm_impl_index", {Kind::Norm, 5}},
                                                              {"aten::dropout", {Kind::Dropout, 2}},
                                                              {"aten::dropout_", {Kind::Dropout, 2}},
                                                              {"aten::feature_dropout", {Kind::Dropout, 2}},
                                                              {"aten::feature_dropout_", {Kind::Dropout, 2}},
                                                              {"aten::alpha_dropout", {Kind::Dropout, 2}},
                                                              {"aten::alpha_dropout_", {Kind::Dropout, 2}},
                                                              {"aten::feature_alpha_dropout", {Kind::Dropout, 2}},
                                                              {"aten::rrelu", {Kind::Dropout, 3}},
                                                              {"aten::rrelu_", {Kind::Dropout, 3}},
                                                              {"aten::lstm", {Kind::Recurrent, 6}},
                                                              {"aten::gru", {Kind::Recurrent, 6}},
                                                              {"aten::rnn_tanh", {Kind::Recurrent, 6}},
                                                              {"aten::rnn_relu", {Kind::Recurrent, 6}}};
  return flags;
}

/// Where an operator takes its training flag, if the flag makes a difference.
std::optional<Flag> flag_of(const jit::Node* node) {
  const auto found = all_flags().find(node->kind().toQualString());
  if (found == all_flags().end()) return std::nullopt;
  Flag flag = found->second;
  // The overload for packed sequences has one argument more before the flag and one less behind it.
  if (flag.kind == Kind::Recurrent && node->input(3)->type()->kind() != c10::TypeKind::BoolType) flag.input = 7;
  if (flag.input >= node->inputs().size() || !is_constant(node->input(flag.input))) return std::nullopt;
  // Without running statistics a norm always takes those of the batch; without a rate there is no dropout.
  if (flag.kind == Kind::Norm && node->input(3)->mustBeNone()) return std::nullopt;
  if (flag.kind == Kind::Dropout && is_zero(node->input(1)) && node->kind() != c10::Symbol::fromQualString("aten::rrelu"))
    return std::nullopt;
  return flag;
}

bool is_on(const jit::Value* flag) {
  const auto value = jit::toIValue(flag);
  return value && value->isBool() && value->toBool();
}

constexpr std::size_t attention_rate = 4;

bool is_attention_with_rate(const jit::Node* node) {
  return node->kind() == c10::aten::scaled_dot_product_attention && is_constant(node->input(attention_rate)) &&
         !is_zero(node->input(attention_rate));
}

/// `num_batches_tracked += 1`, as a trace in train mode writes it.
bool is_batch_counter(const jit::Node* node) {
  return node->kind() == c10::aten::add_ && node->input(0)->node()->kind() == c10::prim::GetAttr &&
         node->input(0)->node()->s(c10::attr::name) == "num_batches_tracked" && !node->output()->hasUses() &&
         node->owningBlock() == node->owningGraph()->block();
}

/// The flag of the module that owns a norm's running mean: in a network whose calls are inlined that is not `self`.
jit::Value* owners_flag(jit::Graph& graph, jit::Value* mean) {
  if (mean->node()->kind() != c10::prim::GetAttr) return nullptr;
  const auto owner = mean->node()->input(0)->type()->cast<c10::ClassType>();
  return owner != nullptr && owner->findAttributeSlot("training") ? graph.insertGetAttr(mean->node()->input(0), "training") : nullptr;
}

/// Moves a node into the branch that only runs while training.
void guard(jit::Node* node, jit::Value* training) {
  jit::Graph& graph = *node->owningGraph();
  jit::Node* branch = graph.create(c10::prim::If, {training}, 0);
  jit::Block* then = branch->addBlock();
  branch->addBlock();
  branch->insertBefore(node);
  jit::Node* copy = then->appendNode(graph.createClone(node, [](jit::Value* value) { return value; }));
  copy->output()->setType(node->output()->type());
  node->destroy();
}

void make_dynamic(jit::Graph& graph, const std::function<jit::Value*()>& training) {
  std::vector<jit::Node*> nodes;
  for_each_node(graph.block(), [&](jit::Node* node) { nodes.push_back(node); });
  for (jit::Node* node : nodes) {
    const auto flag = flag_of(node);
    const bool attention = is_attention_with_rate(node), counter = is_batch_counter(node);
    if (!flag && !attention && !counter) continue;
    const jit::WithInsertPoint at(node);
    jit::Value* value = flag && flag->kind == Kind::Norm ? owners_flag(graph, node->input(3)) : nullptr;
    if (value == nullptr) value = training();
    if (value == nullptr) continue;
    if (flag) {
      node->replaceInput(flag->input, value);
    } else if (attention) {
      node->replaceInput(attention_rate,
                         graph.insert(c10::aten::mul, {node->input(attention_rate), graph.insert(c10::aten::Float, {value})}));
    } else {
      guard(node, value);
    }
  }
}

}  // namespace

bool has_training_flag(const jit::Node* node) { return all_flags().contains(node->kind().toQualString()); }

void find_baked_flags(const jit::Module& module, std::vector<Finding>& findings) {
  struct Count {
    Places norms, dropouts, recurrent;
    Places all;
  };
  Count on, off;
  for_each_call_site(module, [&](jit::Node* node, const std::string& path) {
    const auto flag = flag_of(node);
    if (!flag && !is_attention_with_rate(node)) return;
    Count& count = !flag || is_on(node->input(flag->input)) ? on : off;
    (!flag || flag->kind == Kind::Dropout ? count.dropouts : flag->kind == Kind::Norm ? count.norms : count.recurrent).add(path);
    count.all.add(path);
  });
  const auto what = [](const Count& count) {
    std::string text;
    for (const auto& [places, name] :
         {std::pair(&count.dropouts, "dropout"), {&count.norms, "norm with running statistics"}, {&count.recurrent, "recurrent layer"}}) {
      if (places->count() > 0) text += (text.empty() ? "" : ", ") + counted(places->count(), name);
    }
    return text;
  };
  if (off.all.count() > 0) {
    findings.push_back({"graft-F001", FindingKind::Repairable,
                        "[Backbone] train() changes nothing in " + what(off) + ": tracing wrote the training flag down as off.",
                        "Repair it: the flag follows train() and eval() then.", off.all.text()});
  }
  if (on.all.count() > 0) {
    findings.push_back({"graft-F002", FindingKind::Repairable,
                        "[Backbone] eval() changes nothing in " + what(on) +
                            ": tracing wrote the training flag down as on, so outputs are random or statistics move.",
                        "Repair it: the flag follows train() and eval() then.", on.all.text()});
  }
}

void repair_baked_flags(Editor& editor) {
  editor.for_each_graph([&](jit::Graph& graph) { make_dynamic(graph, [&] { return editor.training_flag(graph); }); });
}

void make_flags_dynamic(jit::Graph& graph) {
  make_dynamic(graph, [&] { return graph.insertGetAttr(graph.inputs()[0], "training"); });
}

}  // namespace graft::graph
