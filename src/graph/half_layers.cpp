#include "graph/half_layers.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

#include "graph/frozen_graph.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

/// What is computed for each number, or chosen or moved, of the first input.
bool follows_first_input(std::string_view kind) {
  static const std::vector<std::string_view> kinds{"aten::relu",
                                                   "aten::relu6",
                                                   "aten::hardtanh",
                                                   "aten::clamp",
                                                   "aten::sigmoid",
                                                   "aten::tanh",
                                                   "aten::gelu",
                                                   "aten::silu",
                                                   "aten::hardswish",
                                                   "aten::leaky_relu",
                                                   "aten::elu",
                                                   "aten::hardsigmoid",
                                                   "aten::view",
                                                   "aten::reshape",
                                                   "aten::flatten",
                                                   "aten::unflatten",
                                                   "aten::permute",
                                                   "aten::transpose",
                                                   "aten::narrow",
                                                   "aten::slice",
                                                   "aten::select",
                                                   "aten::unsqueeze",
                                                   "aten::squeeze",
                                                   "aten::contiguous",
                                                   "aten::expand",
                                                   "aten::expand_as",
                                                   "aten::max_pool2d",
                                                   "aten::avg_pool2d",
                                                   "aten::dropout",
                                                   "aten::adaptive_avg_pool2d",
                                                   "aten::constant_pad_nd",
                                                   "aten::pad",
                                                   "aten::layer_norm"};
  return std::ranges::find(kinds, kind) != kinds.end();
}

bool divides(std::string_view kind) {
  return kind == "aten::chunk" || kind == "prim::ConstantChunk" || kind == "aten::split" || kind == "aten::split_with_sizes" ||
         kind == "aten::unbind";
}

/// The tensors that an operation gives, itself or as a list that is only unpacked; empty if it gives anything else.
std::vector<jit::Value*> results_of(jit::Node* node) {
  if (node->outputs().size() == 1 && !is_tensor(node->output())) {
    if (node->output()->uses().size() != 1 || node->output()->uses()[0].user->kind() != c10::prim::ListUnpack) return {};
    node = node->output()->uses()[0].user;
  }
  return node->outputs().vec();
}

bool is_sum(const jit::Node* node) {
  return (node->kind() == c10::aten::add || node->kind() == c10::aten::sub || node->kind() == c10::aten::mul) && is_tensor(node->input(1));
}

bool is_attention(const jit::Node* node) { return node->kind() == c10::aten::scaled_dot_product_attention; }

bool is_layer(const jit::Node* node) {
  const bool known = node->kind() == c10::aten::linear || node->kind() == c10::aten::conv2d || node->kind() == c10::aten::_convolution;
  if (!known) return false;
  const auto weight = constant_tensor(node->input(1)), bias = constant_tensor(node->input(2));
  const bool fits = weight && weight->scalar_type() == at::kFloat && weight->dim() == (node->kind() == c10::aten::linear ? 2 : 4);
  return fits && (bias ? bias->scalar_type() == at::kFloat : is_none(node->input(2)));
}

/// Layers first; then, in order of execution, each operation of which an input was widened from bfloat16 takes the narrow value instead and
/// is widened behind itself. What is widened only to be narrowed again stays narrow.
class Narrowing {
 public:
  explicit Narrowing(jit::Graph& graph) : graph_(graph) {}

  void run() {
    std::vector<jit::Node*> nodes;
    for_each_node(graph_.block(), [&](jit::Node* node) { nodes.push_back(node); });
    for (jit::Node* node : nodes) {
      const std::string kind = node->kind().toQualString();
      if (node->inputs().empty()) continue;
      if (reads_shape(node) && is_wide(node->input(0))) {
        node->replaceInput(0, narrow_.at(node->input(0)).narrow);
      } else if (is_layer(node)) {
        take(node, {0, 1, 2});
      } else if ((follows_first_input(kind) || divides(kind)) && is_wide(node->input(0))) {
        take(node, {0});
      } else if (is_sum(node) && (is_wide(node->input(0)) || is_wide(node->input(1))) && is_real(node->input(0)) &&
                 is_real(node->input(1))) {
        take(node, {0, 1});
      } else if (is_attention(node) && is_wide(node->input(0)) && is_wide(node->input(1)) && is_wide(node->input(2))) {
        take(node, {0, 1, 2});
      }
    }
  }

 private:
  bool is_wide(jit::Value* value) const { return narrow_.contains(value) && narrow_.at(value).widened; }

  /// True for tensors of float, as far as the graph tells.
  bool is_real(jit::Value* value) const {
    if (is_wide(value)) return true;
    if (const auto constant = constant_tensor(value)) return constant->scalar_type() == at::kFloat;
    const jit::Node* node = value->node();
    if (node->kind() == c10::aten::layer_norm || is_layer(node)) return true;
    if (node->kind() == c10::aten::embedding) return is_real(node->input(0));
    if (is_sum(node)) return is_real(node->input(0)) || is_real(node->input(1));
    return !node->inputs().empty() && follows_first_input(node->kind().toQualString()) && is_real(node->input(0));
  }

  jit::Value* cast(jit::Value* value, at::ScalarType type) {
    return graph_.insert(c10::aten::to, {value, static_cast<std::int64_t>(type), false, false});
  }

  jit::Value* narrow(jit::Value* value, jit::Node* reader) {
    if (is_none(value)) return value;
    const auto known = narrow_.find(value);
    if (known != narrow_.end() && (known->second.widened || known->second.narrow->node()->owningBlock() == reader->owningBlock()))
      return known->second.narrow;
    if (const auto constant = constant_tensor(value)) {
      const jit::WithInsertPoint at(reader);
      return graph_.insertConstant(constant->to(at::kBFloat16));
    }
    // Beside the reader, which may lie in a block that does not always run.
    const jit::WithInsertPoint at(reader);
    jit::Value* made = cast(value, at::kBFloat16);
    narrow_[value] = {made, false};
    return made;
  }

  void take(jit::Node* node, const std::vector<std::size_t>& inputs) {
    const std::vector<jit::Value*> results = results_of(node);
    if (results.empty()) return;
    for (const std::size_t index : inputs) node->replaceInput(index, narrow(node->input(index), node));
    for (jit::Value* result : results) {
      const jit::WithInsertPoint at(result->node()->next());
      jit::Value* wide = cast(result, at::kFloat);
      result->replaceAllUsesAfterNodeWith(wide->node(), wide);
      narrow_[wide] = {result, true};
    }
  }

  struct Narrow {
    jit::Value* narrow;
    bool widened;  // the wide value was made from the narrow one, not the other way round
  };

  jit::Graph& graph_;
  std::map<jit::Value*, Narrow> narrow_;
};

}  // namespace

void use_bfloat16(jit::Graph& graph) { Narrowing(graph).run(); }

}  // namespace graft::graph
