#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <map>

#include "graph/fast_layers.h"
#include "graph/frozen_graph.h"
#include "graph/fused_step.h"
#include "graph/row_blocks.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

// The batch that packed layouts are made for: about what a step of a frozen pass has.
constexpr std::int64_t typical_rows = 1024;

struct Linear {
  jit::Node* node;
  at::Tensor weight, bias;  // the bias may be undefined
};

/// A linear layer of this graph with weights that are always the same.
std::optional<Linear> linear_of(jit::Node* node) {
  if (node->kind() != c10::aten::linear) return std::nullopt;
  const auto weight = constant_tensor(node->input(1)), bias = constant_tensor(node->input(2));
  if (!weight || weight->dim() != 2 || (!bias && !is_none(node->input(2)))) return std::nullopt;
  return Linear{node, *weight, bias.value_or(at::Tensor())};
}

std::vector<Linear> linears_of(jit::Graph& graph) {
  std::vector<Linear> found;
  for_each_node(graph.block(), [&](jit::Node* node) {
    if (const auto linear = linear_of(node)) found.push_back(*linear);
  });
  return found;
}

/// Only what gives a view of the divided output gains: heads of attention, halves of a gate.
bool reads_as_view(const jit::Node* user) {
  const std::string kind = user->kind().toQualString();
  return kind == "aten::view" || kind == "aten::reshape" || kind == "aten::unflatten" || kind == "aten::transpose" ||
         kind == "aten::permute";
}

at::Tensor packed(const at::Tensor& weight) {
  static const auto pack = c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_reorder_linear_weight", "");
  jit::Stack stack{weight.contiguous(), std::optional<std::int64_t>(typical_rows)};
  pack.callBoxed(stack);
  return stack.at(0).toTensor();
}

}  // namespace

void merge_linears(jit::Graph& graph) {
  std::map<std::tuple<jit::Value*, jit::Block*, bool>, std::vector<Linear>> readers;
  for (const Linear& linear : linears_of(graph)) {
    const auto& uses = linear.node->output()->uses();
    if (!std::ranges::all_of(uses, [](const jit::Use& use) { return reads_as_view(use.user) || reads_shape(use.user); })) continue;
    readers[{linear.node->input(0), linear.node->owningBlock(), linear.bias.defined()}].push_back(linear);
  }
  for (const auto& [key, linears] : readers) {
    if (linears.size() < 2) continue;
    std::vector<at::Tensor> weights, biases;
    for (const Linear& linear : linears) {
      weights.push_back(linear.weight);
      if (linear.bias.defined()) biases.push_back(linear.bias);
    }
    const jit::WithInsertPoint at(linears.front().node);
    jit::Value* weight = graph.insertConstant(at::cat(weights));
    jit::Value* bias = graph.insertConstant(biases.empty() ? c10::IValue() : c10::IValue(at::cat(biases)));
    jit::Value* whole = graph.insert(c10::aten::linear, {std::get<0>(key), weight, bias});
    std::int64_t start = 0;
    for (const Linear& linear : linears) {
      jit::Value* part = graph.insert(c10::aten::narrow, {whole, -1, start, linear.weight.size(0)});
      linear.node->output()->replaceAllUsesWith(part);
      start += linear.weight.size(0);
    }
    for (const Linear& linear : linears) linear.node->destroy();
  }
}

void pack_linears(jit::Graph& graph) {
  for (const Linear& linear : linears_of(graph)) {
    if (!has_kernels(linear.weight.scalar_type()) || linear.node->output()->uses().empty()) continue;
    jit::Value* result = linear.node->output();
    const Activation activation = activation_after(result);
    const Sum sum = activation.node == nullptr ? sum_after(result) : Sum{};
    jit::Node* last = activation.node != nullptr ? activation.node : sum.node != nullptr ? sum.node : linear.node;
    const jit::WithInsertPoint at(last);
    jit::Value* input = linear.node->input(0);
    jit::Value* weight = packed_argument(graph, packed(linear.weight));
    jit::Value* bias = linear.node->input(2);
    jit::Value* fused = nullptr;
    if (sum.node != nullptr) {
      fused = insert_operator(graph, block_linear_sum_operator(), {input, sum.other, weight, bias, graph.insertConstant("add")});
    } else {
      fused = insert_operator(graph, block_linear_operator(),
                              {input, weight, bias, graph.insertConstant(activation.name), numbers_argument(graph, activation.numbers),
                               formula_argument(graph, activation.formula)});
    }
    last->output()->replaceAllUsesWith(fused);
    // What is left would count as a reader of its inputs.
    if (last != linear.node) last->destroy();
    linear.node->destroy();
  }
}

void block_norms(jit::Graph& graph) {
  std::vector<jit::Node*> norms;
  for_each_node(graph.block(), [&](jit::Node* node) {
    if (node->kind() == c10::aten::layer_norm) norms.push_back(node);
  });
  for (jit::Node* norm : norms) {
    const auto shape = jit::toIValue(norm->input(1));
    const jit::Value* x = norm->input(0);
    // Elsewhere no room would be there to keep.
    const bool follows_linear = x->node()->kind() == c10::Symbol::fromQualString(block_linear_sum_operator()) ||
                                x->node()->kind() == c10::Symbol::fromQualString(block_linear_operator());
    if (!follows_linear || !shape || !shape->isIntList() || shape->toIntVector().size() != 1) continue;
    const jit::WithInsertPoint at(norm);
    jit::Value* made =
        insert_operator(graph, block_layer_norm_operator(), {norm->input(0), norm->input(2), norm->input(3), norm->input(4)});
    norm->output()->replaceAllUsesWith(made);
    norm->destroy();
  }
}

}  // namespace graft::graph
