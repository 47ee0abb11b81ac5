#include "graph/ends.h"

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include <unordered_set>

#include "graft/core/error.h"
#include "graph/giving.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

struct End {
  jit::Node* node = nullptr;
  bool is_only_output = true;
};

/// The last linear layer before the output, through operators without weights.
End classifier_end(jit::Graph& graph) {
  jit::Value* value = graph.outputs()[0];
  bool is_only = true;
  for (int steps = 0; steps < 20; ++steps) {
    jit::Node* node = value->node();
    if (node->kind() == c10::aten::linear || node->kind() == c10::aten::addmm) return {node, is_only};
    const bool is_container = node->kind() == c10::prim::TupleConstruct || node->kind() == c10::prim::DictConstruct;
    if (is_container) {
      is_only &= node->inputs().size() == (node->kind() == c10::prim::TupleConstruct ? 1U : 2U);
      value = node->inputs().back();
      continue;
    }
    static const std::unordered_set<std::string> plain = {"aten::softmax", "aten::log_softmax", "aten::sigmoid", "aten::squeeze",
                                                          "aten::view",    "aten::reshape",     "aten::flatten", "aten::contiguous",
                                                          "aten::to",      "aten::dropout"};
    if (!plain.contains(node->kind().toQualString())) return {};
    value = node->input(0);
  }
  return {};
}

}  // namespace

std::optional<Classifier> classifier(const Network& network) {
  const auto graph = inlined_forward(network.module());
  const auto [node, is_only_output] = classifier_end(*graph);
  if (node == nullptr || node->kind() != c10::aten::linear) return std::nullopt;
  const Classifier found{relative_path(node->input(1)), relative_path(node->input(2)), is_only_output};
  return found.weight.empty() ? std::nullopt : std::optional(found);
}

Network without_classifier(const Network& network) {
  const auto graph = inlined_forward(network.module());
  const jit::Node* node = classifier_end(*graph).node;
  if (node == nullptr) {
    throw ModelError({.code = "graft-M023",
                      .message = "[Backbone] the network does not end in a linear layer, so there is no classifier to take away.",
                      .remedy = "Name the feature to end at (graft inspect FILE --features lists them).",
                      .place = ""});
  }
  return giving(graph, {{"features", node->input(node->kind() == c10::aten::linear ? 0 : 1)}}, network);
}

FirstUse first_use(const Network& network, const std::string& argument) {
  const auto graph = inlined_forward(network.module());
  std::unordered_set<const jit::Value*> same;
  const auto arguments = network.arguments();
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].name == argument) same.insert(graph->inputs()[i + 1]);
  }
  FirstUse use;
  for_each_node(graph->block(), [&](jit::Node* node) {
    if (use.kind != FirstUse::Kind::Unknown || node->inputs().empty()) return;
    const std::string kind = node->kind().toUnqualString();
    const bool embeds = kind == "embedding" && same.contains(node->input(1));
    if (embeds) use.kind = FirstUse::Kind::Tokens;
    if (embeds || !same.contains(node->input(0))) return;
    const bool weighs = (kind.starts_with("conv") && !kind.starts_with("conv_")) || kind == "_convolution" || kind == "linear";
    if (!weighs) {
      if (node->outputs().size() == 1 && is_tensor(node->output())) same.insert(node->output());
      return;
    }
    auto weight = attribute_value(node->input(1), network.module());
    if (!weight) weight = jit::toIValue(node->input(1));
    if (!weight || !weight->isTensor()) return;
    const at::Tensor tensor = weight->toTensor();  // [C, I / groups, ...] or [C, D]
    const auto groups =
        kind == "linear" ? std::optional<c10::IValue>(std::int64_t{1}) : jit::toIValue(node->inputs()[kind == "_convolution" ? 8 : 6]);
    use.width = tensor.size(1) * (groups && groups->isInt() ? groups->toInt() : 1);
    use.kind = kind == "linear" ? FirstUse::Kind::Vectors : tensor.dim() == 4 ? FirstUse::Kind::Pictures : FirstUse::Kind::Signals;
  });
  return use;
}

std::string first_convolution(const Network& network) {
  std::string name;
  const auto graph = inlined_forward(network.module());
  for_each_node(graph->block(), [&](jit::Node* node) {
    const std::string kind = node->kind().toUnqualString();
    if (name.empty() && (kind.starts_with("conv") || kind == "_convolution") && node->inputs().size() > 2)
      name = relative_path(node->input(1));
  });
  return name;
}

}  // namespace graft::graph
