#include "graph/training_form.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
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

/// scaled_dot_product_attention; with dropout LibTorch has no kernel for the CPU and writes it out, as here. In bfloat16 on the CPU its
/// products stay in float32: they are small, and oneDNN would compile a kernel for each length and number of texts.
at::Tensor attention(at::Tensor q, at::Tensor k, at::Tensor v, const std::optional<at::Tensor>& mask, double p, bool causal,
                     std::optional<double> scale, bool grouped) {
  if (q.is_cpu() && q.scalar_type() == at::kBFloat16) {
    const c10::impl::ExcludeDispatchKeyGuard without_autocast(c10::DispatchKey::AutocastCPU);
    return attention(q.to(at::kFloat), k.to(at::kFloat), v.to(at::kFloat), mask, p, causal, scale, grouped).to(at::kBFloat16);
  }
  if (p == 0 || causal || grouped || !q.is_cpu()) return at::scaled_dot_product_attention(q, k, v, mask, p, causal, scale, grouped);
  at::Tensor scores = at::matmul(q * scale.value_or(1 / std::sqrt(static_cast<double>(q.size(-1)))), k.transpose(-2, -1));
  if (mask && mask->scalar_type() == at::kBool) {
    scores = scores.masked_fill(mask->logical_not(), -std::numeric_limits<double>::infinity());
  } else if (mask) {
    scores = scores + *mask;
  }
  return at::matmul(dropout(scores.softmax(-1), p), v);
}

// Rows of a block; a product has a whole number of them.
constexpr std::int64_t block_rows = 64;

/// at::linear. In bfloat16 on the CPU the rows are filled up to whole blocks, because oneDNN compiles a kernel for each number of rows and
/// keeps a thousand of them, where pieces of batches have more numbers of rows than that, forward and backward.
at::Tensor blocked_linear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  const std::int64_t rows = x.numel() / std::max<std::int64_t>(1, x.size(-1)), missing = (block_rows - rows % block_rows) % block_rows;
  const bool half =
      x.is_cpu() && at::autocast::is_autocast_enabled(at::kCPU) && at::autocast::get_autocast_dtype(at::kCPU) == at::kBFloat16;
  if (!half || missing == 0) return at::linear(x, weight, bias);
  const at::Tensor whole = at::constant_pad_nd(x.reshape({rows, x.size(-1)}), {0, 0, 0, missing});
  std::vector<std::int64_t> sizes = x.sizes().vec();
  sizes.back() = weight.size(0);
  return at::linear(whole, weight, bias).narrow(0, 0, rows).view(sizes);
}

const char* linear_operator() {
  static const jit::RegisterOperators registered({jit::Operator(
      "graft::linear(Tensor x, Tensor weight, Tensor? bias) -> Tensor",
      [](jit::Stack& stack) {
        const auto bias = jit::pop(stack).toOptional<at::Tensor>();
        const at::Tensor weight = jit::pop(stack).toTensor(), x = jit::pop(stack).toTensor();
        jit::push(stack, blocked_linear(x, weight, bias));
      },
      c10::AliasAnalysisKind::FROM_SCHEMA)});
  return "graft::linear";
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
  std::vector<jit::Node*> dropouts, attentions, linears;
  for_each_node(graph->block(), [&](jit::Node* node) {
    if (node->kind() == c10::aten::dropout) dropouts.push_back(node);
    if (node->kind() == c10::aten::scaled_dot_product_attention) attentions.push_back(node);
    if (node->kind() == c10::aten::linear) linears.push_back(node);
  });
  const auto replace = [&](jit::Node* node, const char* kind, const std::vector<jit::Value*>& inputs) {
    node->output()->replaceAllUsesWith(insert_operator(*graph, kind, inputs));
  };
  for (jit::Node* node : dropouts) {
    const jit::WithInsertPoint at(node);
    replace(node, dropout_operator(), node->inputs().vec());
  }
  for (jit::Node* node : linears) {
    const jit::WithInsertPoint at(node);
    replace(node, linear_operator(), node->inputs().vec());
  }
  for (jit::Node* node : attentions) {
    const jit::WithInsertPoint at(node);
    std::vector<jit::Value*> inputs = node->inputs().vec();
    // Files of older versions have fewer arguments.
    if (inputs.size() < 7) inputs.push_back(graph->insertConstant(c10::IValue()));
    if (inputs.size() < 8) inputs.push_back(graph->insertConstant(false));
    replace(node, attention_operator(), inputs);
  }
  for (const auto& nodes : {dropouts, attentions, linears}) {
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
