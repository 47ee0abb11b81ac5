#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "graph/fast_layers.h"
#include "graph/frozen_graph.h"
#include "graph/fused_step.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

struct Convolution {
  jit::Node* node;
  at::Tensor weight;
  std::vector<std::int64_t> padding, stride, dilation;
  std::int64_t groups;
};

std::optional<std::vector<std::int64_t>> pair(const jit::Value* value) {
  const auto constant = jit::toIValue(value);
  if (!constant || !constant->isIntList()) return std::nullopt;  // padding="same" is a string
  std::vector<std::int64_t> numbers = constant->toIntVector();
  if (numbers.size() == 1) numbers.push_back(numbers[0]);
  return numbers;
}

/// A convolution of pictures with a weight that is always the same.
std::optional<Convolution> convolution_of(jit::Node* node) {
  const bool plain = node->kind() == c10::aten::conv2d, general = node->kind() == c10::aten::_convolution;
  if (!plain && !general) return std::nullopt;
  const auto weight = constant_tensor(node->input(1));
  const auto stride = pair(node->input(3)), padding = pair(node->input(4)), dilation = pair(node->input(5));
  const auto groups = jit::constant_as<std::int64_t>(node->input(general ? 8 : 6));
  const bool transposed = general && jit::constant_as<bool>(node->input(6)) != false;
  if (!weight || weight->dim() != 4 || !has_kernels(weight->scalar_type()) || transposed || !stride || !padding || !dilation || !groups)
    return std::nullopt;
  if (!constant_tensor(node->input(2)) && !is_none(node->input(2))) return std::nullopt;
  return Convolution{node, *weight, *padding, *stride, *dilation, *groups};
}

at::Tensor packed(const Convolution& convolution) {
  static const auto pack = c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_reorder_convolution_weight", "");
  jit::Stack stack{convolution.weight.contiguous(at::MemoryFormat::ChannelsLast),
                   convolution.padding,
                   convolution.stride,
                   convolution.dilation,
                   convolution.groups,
                   c10::IValue()};
  pack.callBoxed(stack);
  return stack.at(0).toTensor();
}

}  // namespace

void pack_convolutions(jit::Graph& graph) {
  std::vector<Convolution> convolutions;
  for_each_node(graph.block(), [&](jit::Node* node) {
    if (const auto convolution = convolution_of(node)) convolutions.push_back(*convolution);
  });
  for (const Convolution& convolution : convolutions) {
    jit::Node* node = convolution.node;
    const Sum sum = sum_after(node->output());
    const Activation activation = activation_after(sum.node != nullptr ? sum.node->output() : node->output());
    // oneDNN knows ReLU after a sum, other activations only without one.
    const bool follows = activation.node != nullptr && (sum.node == nullptr || activation.name == "relu");
    jit::Node* last = follows ? activation.node : sum.node != nullptr ? sum.node : node;
    const jit::WithInsertPoint at(last);
    jit::Value* none = graph.insertConstant(c10::IValue());
    jit::Value* name = follows ? graph.insertConstant(activation.name) : nullptr;
    std::vector<jit::Value*> inputs{node->input(0)};
    if (sum.node != nullptr) inputs.push_back(sum.other);
    for (jit::Value* value :
         {packed_argument(graph, packed(convolution)), node->input(2), graph.insertConstant(convolution.padding),
          graph.insertConstant(convolution.stride), graph.insertConstant(convolution.dilation), graph.insertConstant(convolution.groups)})
      inputs.push_back(value);
    if (sum.node != nullptr) {
      for (jit::Value* value : {graph.insertConstant("add"), none, name != nullptr ? name : none}) inputs.push_back(value);
    } else {
      inputs.push_back(name != nullptr ? name : graph.insertConstant("none"));
    }
    inputs.push_back(numbers_argument(graph, follows ? activation.numbers : std::vector<double>{}));
    inputs.push_back(formula_argument(graph, follows ? activation.formula : std::nullopt));
    last->output()->replaceAllUsesWith(insert_operator(graph, "mkldnn::_convolution_pointwise", inputs));
    // What is left would count as a reader of its inputs.
    if (follows) activation.node->destroy();
    if (sum.node != nullptr) sum.node->destroy();
    node->destroy();
  }
}

}  // namespace graft::graph
