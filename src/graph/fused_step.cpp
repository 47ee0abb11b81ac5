#include "graph/fused_step.h"

#include "graph/frozen_graph.h"
#include "graph/walk.h"

namespace graft::graph {

namespace jit = torch::jit;

Activation activation_after(const jit::Value* value) {
  if (value->uses().size() != 1) return {};
  jit::Node* node = value->uses()[0].user;
  if (value->uses()[0].offset != 0 || node->owningBlock() != value->node()->owningBlock()) return {};
  const std::string kind = node->kind().toQualString();
  if (kind == "aten::relu") return {node, "relu"};
  if (kind == "aten::relu6") return {node, "hardtanh", {0.0, 6.0}};
  if (kind == "aten::sigmoid") return {node, "sigmoid"};
  if (kind == "aten::tanh") return {node, "tanh"};
  if (kind == "aten::silu") return {node, "swish"};
  if (kind == "aten::hardswish") return {node, "hardswish"};
  if (kind == "aten::gelu") {
    const auto formula = jit::constant_as<std::string>(node->input(1));
    if (formula) return {node, "gelu", {}, *formula};
  }
  if (kind == "aten::leaky_relu") {
    const auto slope = constant_number(node->input(1));
    if (slope) return {node, "leaky_relu", {*slope}};
  }
  if (kind == "aten::hardtanh" || kind == "aten::clamp") {
    const auto low = constant_number(node->input(1)), high = constant_number(node->input(2));
    if (low && high) return {node, "hardtanh", {*low, *high}};
  }
  return {};
}

Sum sum_after(const jit::Value* value) {
  if (value->uses().size() != 1) return {};
  jit::Node* node = value->uses()[0].user;
  if (node->kind() != c10::aten::add || node->inputs().size() != 3 || node->owningBlock() != value->node()->owningBlock()) return {};
  if (!is_tensor(node->input(0)) || !is_tensor(node->input(1)) || constant_number(node->input(2)) != 1.0) return {};
  jit::Value* other = node->input(1 - value->uses()[0].offset);
  // A constant may have fewer dimensions, which oneDNN does not spread.
  return constant_tensor(other) ? Sum{} : Sum{node, other};
}

bool has_kernels(at::ScalarType type) {
  if (type == at::kFloat) return true;
#if defined(__x86_64__)
  // What oneDNN asks for; less than what makes it fast.
  return type == at::kBFloat16 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq");
#else
  return false;
#endif
}

jit::Value* numbers_argument(jit::Graph& graph, const std::vector<double>& numbers) {
  std::vector<jit::Value*> values;
  for (const double number : numbers) values.push_back(graph.insertConstant(number));
  return graph.insertNode(graph.createList(c10::OptionalType::create(c10::NumberType::get()), values))->output();
}

jit::Value* formula_argument(jit::Graph& graph, const std::optional<std::string>& formula) {
  return formula ? graph.insertConstant(*formula) : graph.insertConstant(c10::IValue());
}

jit::Value* packed_argument(jit::Graph& graph, const at::Tensor& packed) {
  jit::Node* node = graph.insertNode(graph.create(c10::prim::ConstantMKLDNNTensor));
  node->t_(c10::attr::value, packed);
  node->output()->setType(c10::TensorType::get());
  return node->output();
}

}  // namespace graft::graph
