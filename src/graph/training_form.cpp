#include "graph/training_form.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/runtime/custom_operator.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "graph/batch_norm_form.h"
#include "graph/biased_gelu.h"
#include "graph/dataflow.h"
#include "graph/dropout.h"
#include "graph/flat.h"
#include "graph/frozen_graph.h"
#include "graph/half_linear.h"
#include "graph/lookup_tables.h"
#include "graph/residual_norm.h"
#include "graph/training_attention.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

const char* dropout_operator() {
  static const jit::RegisterOperators registered({jit::Operator(
      "graft::dropout(Tensor x, float p, bool train) -> Tensor",
      [](jit::Stack& stack) {
        const bool train = jit::pop(stack).toBool();
        const double p = jit::pop(stack).toDouble();
        const at::Tensor x = jit::pop(stack).toTensor();
        jit::push(stack, train ? dropout(x, p) : x);
      },
      // It draws random numbers: two calls are not one.
      c10::AliasAnalysisKind::CONSERVATIVE)});
  return "graft::dropout";
}

const char* linears_operator() {
  static const jit::RegisterOperators registered({jit::Operator(
      "graft::linears(Tensor x, Tensor[] weights, Tensor[] biases) -> Tensor[]",
      [](jit::Stack& stack) {
        const std::vector<at::Tensor> biases = jit::pop(stack).toTensorVector(), weights = jit::pop(stack).toTensorVector();
        const at::Tensor x = jit::pop(stack).toTensor();
        jit::push(stack, linears(x, weights, biases));
      },
      c10::AliasAnalysisKind::FROM_SCHEMA)});
  return "graft::linears";
}

// Gradients of smaller tables cost nothing as they are.
constexpr std::int64_t large_table = 1024;

/// Has large embedding tables get the gradient of the rows that were read, as a sparse tensor, in the place of one of the whole table.
void read_rows(jit::Graph& graph, const Network& network) {
  const NamedTensors parameters = network.parameters();
  for (const auto& [name, lookups] : table_lookups(graph)) {
    const auto table = std::ranges::find(parameters, name, &NamedTensors::value_type::first);
    if (table == parameters.end() || table->second.size(0) < large_table) continue;
    for (jit::Node* lookup : lookups) {
      if (const auto by_count = jit::toIValue(lookup->input(3)); !by_count || by_count->toBool()) continue;
      const jit::WithInsertPoint at(lookup);
      lookup->replaceInput(4, graph.insertConstant(true));
    }
  }
}

const char* residual_norm_operator() {
  static const jit::RegisterOperators registered({jit::Operator(
      "graft::residual_norm(Tensor x, Tensor? x_bias, Tensor residual, Tensor? weight, Tensor? bias, float eps, float p, bool train) -> "
      "Tensor",
      [](jit::Stack& stack) {
        const bool train = jit::pop(stack).toBool();
        const double p = jit::pop(stack).toDouble(), epsilon = jit::pop(stack).toDouble();
        const auto bias = jit::pop(stack).toOptional<at::Tensor>(), weight = jit::pop(stack).toOptional<at::Tensor>();
        const at::Tensor residual = jit::pop(stack).toTensor();
        const auto x_bias = jit::pop(stack).toOptional<at::Tensor>();
        const at::Tensor x = jit::pop(stack).toTensor();
        jit::push(stack, residual_norm(x, x_bias, residual, weight, bias, epsilon, train ? p : 0));
      },
      c10::AliasAnalysisKind::CONSERVATIVE)});
  return "graft::residual_norm";
}

/// True if nothing changes a value in place between two nodes of a block, so that what the one reads can be read at the other.
bool is_quiet(jit::Node* from, const jit::Node* to) {
  while (from != to && !writes(from)) from = from->next();
  return from == to;
}

/// Takes the bias off a linear layer whose result nobody but the caller reads; null if it has none.
jit::Value* without_bias(jit::Graph& graph, const jit::Value* result) {
  jit::Node* linear = only_maker(result, "aten::linear");
  if (linear == nullptr || !is_tensor(linear->input(2))) return nullptr;
  jit::Value* bias = linear->input(2);
  const jit::WithInsertPoint at(linear);
  linear->replaceInput(2, graph.insertConstant(c10::IValue()));
  return bias;
}

/// A layer leaves its bias to the GELU behind it.
void join_gelu(jit::Graph& graph, jit::Node* gelu) {
  const auto approximation = gelu->inputs().size() > 1 ? jit::toIValue(gelu->input(1)) : std::optional<c10::IValue>("none");
  if (!approximation || approximation->toStringRef() != "none") return;
  jit::Value* bias = without_bias(graph, gelu->input(0));
  if (bias == nullptr) return;
  const jit::WithInsertPoint at(gelu);
  gelu->output()->replaceAllUsesWith(insert_operator(graph, biased_gelu_operator(), {gelu->input(0), bias}));
  gelu->destroy();
}

/// Has the norm of a sum that nobody else reads computed with the sum, and with the dropout of one of its sides. The norm is over one
/// dimension.
void join_norm(jit::Graph& graph, jit::Node* norm) {
  const auto shape = jit::toIValue(norm->input(1));
  const jit::Node* list = norm->input(1)->node();
  const bool over_one = shape ? shape->isIntList() && shape->toIntVector().size() == 1
                              : list->kind() == c10::prim::ListConstruct && list->inputs().size() == 1;
  jit::Node* sum = only_maker(norm->input(0), "aten::add");
  if (!over_one || sum == nullptr || sum->inputs().size() != 3 || constant_number(sum->input(2)) != 1.0 || !is_tensor(sum->input(0)) ||
      !is_tensor(sum->input(1)))
    return;
  for (const std::size_t side : {0U, 1U}) {
    jit::Node* dropout = only_maker(sum->input(side), "aten::dropout");
    if (dropout == nullptr || dropout->owningBlock() != norm->owningBlock() || !is_quiet(dropout, norm)) continue;
    jit::Value* x_bias = without_bias(graph, dropout->input(0));
    const jit::WithInsertPoint at(norm);
    if (x_bias == nullptr) x_bias = graph.insertConstant(c10::IValue());
    jit::Value* made = insert_operator(graph, residual_norm_operator(),
                                       {dropout->input(0), x_bias, sum->input(1 - side), norm->input(2), norm->input(3), norm->input(4),
                                        dropout->input(1), dropout->input(2)});
    norm->output()->replaceAllUsesWith(made);
    for (jit::Node* node : {norm, sum, dropout}) node->destroy();
    return;
  }
}

std::vector<jit::Node*> nodes_of(jit::Graph& graph, c10::Symbol kind) {
  std::vector<jit::Node*> found;
  for_each_node(graph.block(), [&](jit::Node* node) {
    if (node->kind() == kind) found.push_back(node);
  });
  return found;
}

/// True for a tensor that is there before forward runs: a constant, or read from the network.
bool is_given(const jit::Value* value) { return value->node()->kind() == c10::prim::Constant || !relative_path(value).empty(); }

/// Moves what makes a given value to before the node.
void hoist(jit::Value* value, jit::Node* to) {
  jit::Node* maker = value->node();
  if (maker->kind() == c10::prim::Param || !maker->isAfter(to)) return;
  for (jit::Value* input : maker->inputs()) hoist(input, to);
  maker->moveBefore(to);
}

/// Linear layers that read the same value in the same block become one call, at the place of the first. Those that may or may not have a
/// bias stay as they are.
void join_linears(jit::Graph& graph) {
  using Key = std::tuple<jit::Value*, jit::Block*, bool>;
  std::vector<std::pair<Key, std::vector<jit::Node*>>> groups;
  for (jit::Node* node : nodes_of(graph, c10::aten::linear)) {
    const bool has_bias = is_tensor(node->input(2));
    if (!has_bias && !is_none(node->input(2))) continue;
    const bool given = is_given(node->input(1)) && (!has_bias || is_given(node->input(2)));
    const Key key{node->input(0), node->owningBlock(), has_bias};
    const auto known =
        std::ranges::find_if(groups, [&](const auto& group) { return group.first == key && is_quiet(group.second.front(), node); });
    if (given && known != groups.end()) {
      known->second.push_back(node);
    } else {
      groups.emplace_back(given ? key : Key{}, std::vector{node});
    }
  }
  for (const auto& [key, group] : groups) {
    const bool has_bias = is_tensor(group.front()->input(2));
    std::vector<jit::Value*> weights, biases;
    for (jit::Node* node : group) {
      weights.push_back(node->input(1));
      if (has_bias) biases.push_back(node->input(2));
    }
    for (jit::Value* tensor : weights) hoist(tensor, group.front());
    for (jit::Value* tensor : biases) hoist(tensor, group.front());
    const jit::WithInsertPoint at(group.front());
    const auto list = [&](const std::vector<jit::Value*>& values) {
      return graph.insertNode(graph.createList(c10::TensorType::get(), values))->output();
    };
    jit::Value* results = insert_operator(graph, linears_operator(), {group.front()->input(0), list(weights), list(biases)});
    results->setType(c10::ListType::ofTensors());
    jit::Node* unpacked = graph.insertNode(graph.createListUnpack(results, group.size()));
    for (std::size_t i = 0; i < group.size(); ++i) {
      group[i]->output()->replaceAllUsesWith(unpacked->outputs()[i]);
      group[i]->destroy();
    }
  }
}

}  // namespace

Network training_form(const Network& network) {
  const auto graph = inlined_forward(network.module());
  read_rows(*graph, network);
  join_batch_norms(graph, network.module());
  for (jit::Node* norm : nodes_of(*graph, c10::aten::layer_norm)) join_norm(*graph, norm);
  for (jit::Node* gelu : nodes_of(*graph, c10::aten::gelu)) join_gelu(*graph, gelu);
  const std::vector<jit::Node*> dropouts = nodes_of(*graph, c10::aten::dropout),
                                attentions = nodes_of(*graph, c10::aten::scaled_dot_product_attention);
  const auto replace = [&](jit::Node* node, const char* kind, const std::vector<jit::Value*>& inputs) {
    node->output()->replaceAllUsesWith(insert_operator(*graph, kind, inputs));
  };
  for (jit::Node* node : dropouts) {
    const jit::WithInsertPoint at(node);
    replace(node, dropout_operator(), node->inputs().vec());
  }
  join_linears(*graph);
  for (jit::Node* node : attentions) {
    const jit::WithInsertPoint at(node);
    std::vector<jit::Value*> inputs = node->inputs().vec();
    // Files of older versions have fewer arguments.
    if (inputs.size() < 7) inputs.push_back(graph->insertConstant(c10::IValue()));
    if (inputs.size() < 8) inputs.push_back(graph->insertConstant(false));
    replace(node, training_attention_operator(), inputs);
  }
  for (const auto& nodes : {dropouts, attentions}) {
    for (jit::Node* node : nodes) node->destroy();
  }
  return network_of(graph, network);
}

bool has_batch_statistics(const Network& network) {
  bool found = false;
  for_each_node(inlined_forward(network.module())->block(), [&](jit::Node* node) { found |= node->kind() == c10::aten::batch_norm; });
  return found;
}

}  // namespace graft::graph
