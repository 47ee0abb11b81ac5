#include "graph/training_form.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/runtime/custom_operator.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "graph/dropout.h"
#include "graph/flat.h"
#include "graph/frozen_graph.h"
#include "graph/lookup_tables.h"
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

/// scaled_dot_product_attention; with dropout LibTorch has no kernel for the CPU and writes it out, as here.
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const std::optional<at::Tensor>& mask, double p,
                     bool causal, std::optional<double> scale, bool grouped) {
  if (p == 0 || causal || grouped || !q.is_cpu()) return at::scaled_dot_product_attention(q, k, v, mask, p, causal, scale, grouped);
  at::Tensor scores = at::matmul(q * scale.value_or(1 / std::sqrt(static_cast<double>(q.size(-1)))), k.transpose(-2, -1));
  if (mask && mask->scalar_type() == at::kBool) {
    scores = scores.masked_fill(mask->logical_not(), -std::numeric_limits<double>::infinity());
  } else if (mask) {
    scores = scores + *mask;
  }
  return at::matmul(dropout(scores.softmax(-1), p), v);
}

const char* attention_operator() {
  static const jit::RegisterOperators registered({jit::Operator(
      "graft::attention(Tensor q, Tensor k, Tensor v, Tensor? mask, float p, bool causal, float? scale, bool grouped) -> Tensor",
      [](jit::Stack& stack) {
        const bool grouped = jit::pop(stack).toBool();
        const auto scale = jit::pop(stack).toOptional<double>();
        const bool causal = jit::pop(stack).toBool();
        const double p = jit::pop(stack).toDouble();
        const auto mask = jit::pop(stack).toOptional<at::Tensor>();
        const at::Tensor v = jit::pop(stack).toTensor(), k = jit::pop(stack).toTensor(), q = jit::pop(stack).toTensor();
        jit::push(stack, attention(q, k, v, mask, p, causal, scale, grouped));
      },
      c10::AliasAnalysisKind::CONSERVATIVE)});
  return "graft::attention";
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

}  // namespace

Network training_form(const Network& network) {
  const auto graph = inlined_forward(network.module());
  read_rows(*graph, network);
  std::vector<jit::Node*> dropouts, attentions;
  for_each_node(graph->block(), [&](jit::Node* node) {
    if (node->kind() == c10::aten::dropout) dropouts.push_back(node);
    if (node->kind() == c10::aten::scaled_dot_product_attention) attentions.push_back(node);
  });
  const auto replace = [&](jit::Node* node, const char* kind, const std::vector<jit::Value*>& inputs) {
    node->output()->replaceAllUsesWith(insert_operator(*graph, kind, inputs));
  };
  for (jit::Node* node : dropouts) {
    const jit::WithInsertPoint at(node);
    replace(node, dropout_operator(), node->inputs().vec());
  }
  for (jit::Node* node : attentions) {
    const jit::WithInsertPoint at(node);
    std::vector<jit::Value*> inputs = node->inputs().vec();
    // Files of older versions have fewer arguments.
    if (inputs.size() < 7) inputs.push_back(graph->insertConstant(c10::IValue()));
    if (inputs.size() < 8) inputs.push_back(graph->insertConstant(false));
    replace(node, attention_operator(), inputs);
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
