#include "graph/frozen_weights.h"

#include <ATen/Context.h>
#include <torch/csrc/jit/ir/constants.h>

#include <unordered_map>
#include <utility>

#include "core/names.h"
#include "graph/editor.h"
#include "graph/places.h"
#include "graph/walk.h"
#include "graph/weight_roles.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

/// The tensor of a constant that holds numbers of the network: weights, masks, tables.
std::optional<at::Tensor> constant_tensor(const jit::Node* node) {
  if (node->kind() != c10::prim::Constant || !node->output()->type()->isSubtypeOf(*c10::TensorType::get())) return std::nullopt;
  const auto value = jit::toIValue(node->output());
  if (!value || !value->isTensor()) return std::nullopt;
  const at::Tensor tensor = value->toTensor();
  if (!tensor.defined() || !tensor.is_floating_point() || tensor.dim() == 0 || tensor.is_quantized()) return std::nullopt;
  return tensor;
}

/// A constant list of tensors, as freezing leaves a recurrent layer's weights, becomes a list of constants.
void split_lists(jit::Graph& graph) {
  std::vector<jit::Node*> lists;
  for_each_node(graph.block(), [&](jit::Node* node) {
    if (node->kind() == c10::prim::Constant && node->output()->type()->isSubtypeOf(*c10::ListType::ofTensors())) lists.push_back(node);
  });
  for (jit::Node* node : lists) {
    const auto value = jit::toIValue(node->output());
    if (!value || !value->isTensorList()) continue;
    const jit::WithInsertPoint at(node);
    std::vector<jit::Value*> elements;
    for (const at::Tensor& tensor : value->toTensorVector()) elements.push_back(graph.insertConstant(tensor));
    jit::Node* list = graph.insertNode(graph.createList(c10::TensorType::get(), elements));
    node->output()->replaceAllUsesWith(list->output());
    node->destroy();
  }
}

bool is_prepacked(const jit::Node* node) {
  return node->kind().ns().toUnqualString() == std::string("prepacked") && std::string(node->kind().toUnqualString()).ends_with("_run");
}

enum class Packed { Linear, Conv, Other };
Packed packed_kind(const jit::Node* node) {
  const std::string kind = node->kind().toUnqualString();
  return kind == "linear_clamp_run" ? Packed::Linear : kind == "conv2d_clamp_run" ? Packed::Conv : Packed::Other;
}

}  // namespace

void find_frozen_weights(const jit::Module& module, std::vector<Finding>& findings) {
  std::size_t weights = 0, convolutions = 0, norms = 0;
  std::int64_t numbers = 0;
  std::unordered_map<const c10::TensorImpl*, bool> seen;
  const auto graph = inlined_forward(module);
  split_lists(*graph);
  for_each_node(graph->block(), [&](jit::Node* node) {
    convolutions +=
        node->kind() == c10::Symbol::fromQualString("aten::conv2d") || node->kind() == c10::Symbol::fromQualString("aten::_convolution");
    norms += node->kind() == c10::aten::batch_norm;
    const auto tensor = constant_tensor(node);
    if (!tensor || !seen.emplace(tensor->unsafeGetTensorImpl(), true).second) return;
    const auto role = weight_role(node->output());
    if (!role || !role->trains) return;
    ++weights;
    numbers += tensor->numel();
  });
  if (weights == 0) return;
  findings.push_back(
      {"graft-F003", FindingKind::Repairable,
       "[Backbone] constants hold " + counted(weights, "weight") + " (" + with_commas(numbers) +
           " numbers): the network was frozen, and none of them can train." +
           (convolutions > 0 && norms == 0 ? " Batch norms, if it had any, are folded into the convolutions and stay so." : ""),
       "Repair it: they become parameters again; or export the network without torch.jit.freeze.", ""});
}

void thaw(Editor& editor) {
  jit::Graph& graph = editor.forward();
  split_lists(graph);
  std::vector<jit::Node*> constants;
  for_each_node(graph.block(), [&](jit::Node* node) {
    if (constant_tensor(node)) constants.push_back(node);
  });
  const bool any = std::ranges::any_of(constants, [](jit::Node* node) { return weight_role(node->output()).has_value(); });
  if (!any) return;  // a healthy network has constants of its own
  LayerNames layers;
  std::unordered_map<const c10::TensorImpl*, std::pair<std::string, std::string>> named;
  // Names count in order of use, not in the order in which constants are written.
  for_each_node(graph.block(), [&](jit::Node* node) {
    for (const jit::Value* input : node->inputs()) {
      if (!constant_tensor(input->node())) continue;
      const auto role = weight_role(input);
      if (role && role->user == node) layers.of(*role);
    }
  });
  std::size_t others = 0;
  for (jit::Node* node : constants) {
    const at::Tensor tensor = *constant_tensor(node);
    const auto role = weight_role(node->output());
    auto& name = named[tensor.unsafeGetTensorImpl()];
    if (name.first.empty())
      name = role ? std::pair(layers.of(*role), role->name) : std::pair(std::string("constants"), std::to_string(others++));
    const jit::WithInsertPoint at(node);
    jit::Value* read = editor.add_tensor(name.first, name.second, tensor, role && role->trains);
    node->output()->replaceAllUsesWith(read);
    node->destroy();
  }
}

void find_prepacked_weights(const jit::Module& module, std::vector<Finding>& findings) {
  Places known, unknown;
  for_each_call_site(module, [&](jit::Node* node, const std::string& path) {
    if (is_prepacked(node)) (packed_kind(node) == Packed::Other ? unknown : known).add(path);
  });
  if (known.count() > 0) {
    findings.push_back({"graft-F004", FindingKind::Repairable,
                        "[Backbone] " + counted(known.count(), "layer") +
                            " with weights packed for phones, which have no gradient: the file was made by optimize_for_mobile.",
                        "Repair it: the weights are taken out again, to rounding; or export the network without optimize_for_mobile.",
                        known.text()});
  }
  if (unknown.count() > 0) {
    findings.push_back({"graft-F004", FindingKind::Obstacle,
                        "[Backbone] " + counted(unknown.count(), "layer") + " of an unknown kind with weights packed for phones.",
                        "Export the network without optimize_for_mobile.", unknown.text()});
  }
}

void unpack(Editor& editor) {
  jit::Graph& graph = editor.forward();
  std::vector<jit::Node*> nodes;
  for_each_node(graph.block(), [&](jit::Node* node) {
    if (is_prepacked(node) && packed_kind(node) != Packed::Other) nodes.push_back(node);
  });
  std::size_t convolutions = 0, linears = 0;
  for (jit::Node* node : nodes) {
    auto object = jit::toIValue(node->input(1));
    if (!object) object = attribute_value(node->input(1), editor.root());
    if (!object) continue;
    // (weight, bias, [strides, paddings, dilations, groups,] lowest, highest)
    const c10::IValue state = object->type()->expectRef<c10::ClassType>().getMethod("__getstate__")({*object});
    const auto& parts = state.toTupleRef().elements();
    const bool is_conv = packed_kind(node) == Packed::Conv;
    const std::string layer = is_conv ? "conv" + std::to_string(convolutions++) : "linear" + std::to_string(linears++);
    const jit::WithInsertPoint at(node);
    const auto weight = [&](const char* name, const c10::IValue& value) {
      return value.isNone() ? graph.insertConstant(value) : editor.add_tensor(layer, name, value.toTensor(), true);
    };
    std::vector<jit::NamedValue> inputs{node->input(0), weight("weight", parts[0]), weight("bias", parts[1])};
    for (std::size_t i = 2; is_conv && i < 6; ++i) inputs.emplace_back(graph.insertConstant(parts[i]));
    jit::Value* result = graph.insert(is_conv ? c10::aten::conv2d : c10::aten::linear, inputs);
    const c10::IValue &lowest = parts[is_conv ? 6 : 2], &highest = parts[is_conv ? 7 : 3];
    if (!lowest.isNone() || !highest.isNone()) {
      result = graph.insert(c10::aten::clamp, {result, graph.insertConstant(lowest), graph.insertConstant(highest)});
    }
    node->output()->replaceAllUsesWith(result);
    node->destroy();
  }
}

}  // namespace graft::graph
