#include "graph/frozen_graph.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/fuse_linear.h>
#include <torch/csrc/jit/passes/remove_mutation.h>

#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

/// The same value, with tensors that no gradient reaches.
c10::IValue detached(const c10::IValue& value) {
  if (value.isTensor()) return value.toTensor().defined() ? value.toTensor().detach() : value;
  if (!value.isTensorList()) return value;
  c10::List<at::Tensor> list;
  for (const at::Tensor& tensor : value.toTensorVector()) list.push_back(tensor.detach());
  return list;
}

void attributes_to_constants(jit::Graph& graph, const jit::Module& module) {
  std::vector<jit::Node*> reads;
  for_each_node(graph.block(), [&](jit::Node* node) {
    if (node->kind() == c10::prim::GetAttr && !node->output()->type()->cast<c10::ClassType>()) reads.push_back(node);
  });
  const jit::WithInsertPoint start(*graph.block()->nodes().begin());
  for (jit::Node* read : reads) {
    const auto value = attribute_value(read->output(), module);
    if (!value) continue;
    if (const auto constant = jit::tryInsertConstant(graph, detached(*value))) read->output()->replaceAllUsesWith(*constant);
  }
}

}  // namespace

std::shared_ptr<jit::Graph> frozen_graph(const Network& network) {
  auto graph = inlined_forward(network.module());
  assume_eval(graph);
  jit::FuseLinear(graph);
  jit::RemoveListMutation(graph);
  jit::RemoveTensorMutation(graph);
  attributes_to_constants(*graph, network.module());
  jit::ConstantPropagation(graph);
  jit::EliminateDeadCode(graph);
  return graph;
}

std::optional<at::Tensor> constant_tensor(const jit::Value* value) {
  const auto constant = jit::toIValue(value);
  if (!constant || !constant->isTensor() || !constant->toTensor().defined()) return std::nullopt;
  return constant->toTensor();
}

std::optional<double> constant_number(const jit::Value* value) {
  const auto constant = jit::toIValue(value);
  if (!constant) return std::nullopt;
  if (constant->isDouble()) return constant->toDouble();
  if (constant->isInt()) return static_cast<double>(constant->toInt());
  if (constant->isTensor() && constant->toTensor().defined() && constant->toTensor().numel() == 1)
    return constant->toTensor().item<double>();
  return std::nullopt;
}

bool is_none(const jit::Value* value) { return value->mustBeNone(); }

bool reads_shape(const jit::Node* node) {
  const std::string kind = node->kind().toQualString();
  return kind == "aten::size" || kind == "aten::dim" || kind == "aten::numel" || kind == "aten::len";
}

jit::Node* only_maker(const jit::Value* value, const char* kind) {
  if (value->uses().size() != 1 || value->node()->kind() != c10::Symbol::fromQualString(kind)) return nullptr;
  return const_cast<jit::Value*>(value)->node();
}

jit::Value* insert_operator(jit::Graph& graph, const char* kind, const std::vector<jit::Value*>& inputs) {
  jit::Node* node = graph.insertNode(graph.create(c10::Symbol::fromQualString(kind), inputs));
  node->output()->setType(c10::TensorType::get());
  return node->output();
}

}  // namespace graft::graph
