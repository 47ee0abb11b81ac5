#include "graph/batch_norm_form.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/passes/remove_mutation.h>
#include <torch/csrc/jit/runtime/custom_operator.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "graph/batch_norm.h"
#include "graph/frozen_graph.h"
#include "graph/fused_step.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

const char* batch_norm_operator() {
  static const jit::RegisterOperators registered({jit::Operator(
      "graft::batch_norm(Tensor x, Tensor? weight, Tensor? bias, Tensor? mean, Tensor? variance, bool train, float momentum, float eps, "
      "bool cudnn, Tensor? residual, float low, float high, bool passes_at_limits) -> Tensor",
      [](jit::Stack& stack) {
        BatchNorm norm;
        norm.passes_at_limits = jit::pop(stack).toBool();
        norm.high = jit::pop(stack).toDouble();
        norm.low = jit::pop(stack).toDouble();
        norm.residual = jit::pop(stack).toOptional<at::Tensor>();
        norm.cudnn = jit::pop(stack).toBool();
        norm.epsilon = jit::pop(stack).toDouble();
        norm.momentum = jit::pop(stack).toDouble();
        norm.train = jit::pop(stack).toBool();
        norm.running_variance = jit::pop(stack).toOptional<at::Tensor>();
        norm.running_mean = jit::pop(stack).toOptional<at::Tensor>();
        norm.bias = jit::pop(stack).toOptional<at::Tensor>();
        norm.weight = jit::pop(stack).toOptional<at::Tensor>();
        const at::Tensor x = jit::pop(stack).toTensor();
        jit::push(stack, batch_norm(x, norm));
      },
      // It moves the running statistics.
      c10::AliasAnalysisKind::CONSERVATIVE)});
  return "graft::batch_norm";
}

bool is_norm(const jit::Value* value) { return value->node()->kind() == c10::aten::batch_norm; }

/// In-place sums and activations of norms, which nobody else sees, become values of their own.
void make_functional(const std::shared_ptr<jit::Graph>& graph) {
  jit::RemoveTensorMutation(graph, [](jit::Node* node) {
    const jit::Node* maker = node->inputs().empty() ? nullptr : node->input(0)->node();
    return maker != nullptr && (is_norm(node->input(0)) || std::ranges::any_of(maker->inputs(), is_norm));
  });
}

/// True if the node may change a tensor of floating point numbers in place. Norms count their batches in integers.
bool changes_numbers(jit::Node* node, const jit::Module& module) {
  const auto* schema = node->maybeSchema();
  for (std::size_t i = 0; schema != nullptr && i < schema->arguments().size() && i < node->inputs().size(); ++i) {
    const auto* alias = schema->arguments()[i].alias_info();
    if (alias == nullptr || !alias->isWrite()) continue;
    const auto state = attribute_value(node->input(i), module);
    if (!state || !state->isTensor() || c10::isFloatingType(state->toTensor().scalar_type())) return true;
  }
  return std::ranges::any_of(node->blocks(), [&](jit::Block* block) {
    return std::ranges::any_of(block->nodes(), [&](jit::Node* inner) { return changes_numbers(inner, module); });
  });
}

/// True if what a node reads is the same at a later node of its block.
bool stays(jit::Node* from, const jit::Node* to, const jit::Module& module) {
  while (from != to && !changes_numbers(from, module)) from = from->next();
  return from == to;
}

/// Where an activation cuts a value off, if that is all it does.
std::optional<std::pair<double, double>> limits_of(const Activation& activation) {
  if (activation.name == "relu") return std::pair(0.0, std::numeric_limits<double>::infinity());
  return activation.name == "hardtanh" ? std::optional(std::pair(activation.numbers[0], activation.numbers[1])) : std::nullopt;
}

void join(jit::Graph& graph, jit::Node* norm, const jit::Module& module) {
  std::vector<jit::Node*> joined{norm};
  Sum sum = sum_after(norm->output());
  if (sum.node != nullptr && stays(norm, sum.node, module)) {
    joined.push_back(sum.node);
  } else {
    sum = {};
  }
  const Activation activation = activation_after(joined.back()->output());
  auto limits = limits_of(activation);
  const bool clamps = limits && activation.node->kind() == c10::aten::clamp;
  if (limits && !(clamps && sum.node != nullptr) && stays(norm, activation.node, module)) {
    joined.push_back(activation.node);
  } else {
    limits.reset();
  }
  const jit::WithInsertPoint at(joined.back());
  std::vector<jit::Value*> inputs = norm->inputs().vec();
  inputs.push_back(sum.node != nullptr ? sum.other : graph.insertConstant(c10::IValue()));
  constexpr double all = std::numeric_limits<double>::infinity();
  inputs.push_back(graph.insertConstant(limits ? limits->first : -all));
  inputs.push_back(graph.insertConstant(limits ? limits->second : all));
  inputs.push_back(graph.insertConstant(clamps));
  joined.back()->output()->replaceAllUsesWith(insert_operator(graph, batch_norm_operator(), inputs));
  while (!joined.empty()) {
    joined.back()->destroy();
    joined.pop_back();
  }
}

}  // namespace

void join_batch_norms(std::shared_ptr<jit::Graph> graph, const jit::Module& module) {
  make_functional(graph);
  std::vector<jit::Node*> norms;
  for_each_node(graph->block(), [&](jit::Node* node) {
    if (node->kind() == c10::aten::batch_norm && jit::constant_as<bool>(node->input(5)) != false) norms.push_back(node);
  });
  for (jit::Node* norm : norms) join(*graph, norm, module);
}

}  // namespace graft::graph
