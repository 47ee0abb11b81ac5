#include "graph/fast_attention.h"

#include "graph/frozen_graph.h"
#include "graph/short_attention.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

struct Attention {
  jit::Value* q = nullptr;
  jit::Value* keys = nullptr;  // transposed, as the product reads them
  jit::Value* v = nullptr;
  jit::Value* mask = nullptr;
  double scale = 1;
};

/// Takes a factor off a value that nobody else reads: x * c, x / c.
jit::Value* unscaled(jit::Value* value, double& scale) {
  for (const char* kind : {"aten::mul", "aten::div"}) {
    const jit::Node* node = only_maker(value, kind);
    if (node == nullptr) continue;
    const auto factor = constant_number(node->input(1));
    if (!factor || *factor == 0) continue;
    scale *= kind == std::string_view("aten::mul") ? *factor : 1 / *factor;
    return node->input(0);
  }
  return value;
}

/// The scores before the softmax, without their mask.
bool read_scores(jit::Value* value, Attention& attention) {
  value = unscaled(value, attention.scale);
  const jit::Node* product = only_maker(value, "aten::matmul");
  if (product == nullptr) return false;
  attention.q = unscaled(product->input(0), attention.scale);
  attention.keys = unscaled(product->input(1), attention.scale);
  return true;
}

std::optional<Attention> attention_of(const jit::Node* product) {
  Attention attention{.v = product->input(1)};
  const jit::Node* softmax = only_maker(product->input(0), "aten::softmax");
  if (softmax == nullptr) return std::nullopt;
  const auto dimension = constant_number(softmax->input(1));
  if (dimension != -1 && dimension != 3) return std::nullopt;
  if (!is_none(softmax->input(2)) && constant_number(softmax->input(2)) != static_cast<double>(at::kFloat)) return std::nullopt;
  jit::Value* scores = softmax->input(0);
  if (read_scores(scores, attention)) return attention;
  const jit::Node* sum = only_maker(scores, "aten::add");
  if (sum == nullptr || sum->inputs().size() != 3 || constant_number(sum->input(2)) != 1.0) return std::nullopt;
  for (const std::size_t side : {0U, 1U}) {
    attention = {.v = product->input(1), .mask = sum->input(1 - side)};
    if (is_tensor(attention.mask) && read_scores(sum->input(side), attention)) return attention;
  }
  return std::nullopt;
}

}  // namespace

void join_attention(jit::Graph& graph) {
  std::vector<jit::Node*> products;
  for_each_node(graph.block(), [&](jit::Node* node) {
    if (node->kind() == c10::aten::matmul) products.push_back(node);
  });
  for (jit::Node* product : products) {
    const auto found = attention_of(product);
    if (!found) continue;
    const jit::WithInsertPoint at(product);
    jit::Value* keys = graph.insert(c10::aten::transpose, {found->keys, -1, -2});
    jit::Value* mask = found->mask != nullptr ? found->mask : graph.insertConstant(c10::IValue());
    jit::Value* joined = graph.insert(c10::aten::scaled_dot_product_attention, {found->q, keys, found->v, mask, 0.0, false},
                                      {jit::NamedValue("scale", found->scale)});
    product->output()->replaceAllUsesWith(joined);
  }
}

void shorten_attention(jit::Graph& graph) {
  std::vector<jit::Node*> calls;
  for_each_node(graph.block(), [&](jit::Node* node) {
    if (node->kind() == c10::aten::scaled_dot_product_attention) calls.push_back(node);
  });
  for (jit::Node* call : calls) {
    // q, k, v, mask, dropout, causal, scale, grouped heads
    const auto off = [&](std::size_t argument) {
      return call->inputs().size() <= argument || constant_number(call->input(argument)) == 0.0 ||
             jit::constant_as<bool>(call->input(argument)) == false;
    };
    if (!off(4) || !off(5) || !off(7)) continue;
    const jit::WithInsertPoint at(call);
    jit::Value* scale = call->inputs().size() > 6 ? call->input(6) : graph.insertConstant(c10::IValue());
    jit::Value* quick =
        insert_operator(graph, short_attention_operator(), {call->input(0), call->input(1), call->input(2), call->input(3), scale});
    call->output()->replaceAllUsesWith(quick);
  }
}

}  // namespace graft::graph
