#include "graph/short_attention.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/runtime/custom_operator.h>

#include <cmath>

#include "graph/attention_heads.h"
#include "graph/attention_mask.h"
#include "graph/row_blocks.h"

namespace graft::graph {
namespace {

// Above this many keys LibTorch's tiles are filled and its kernel is faster.
constexpr std::int64_t longest = 32;

/// LibTorch's kernels want an added mask in the type of the queries.
std::optional<at::Tensor> fitting(const std::optional<at::Tensor>& mask, const at::Tensor& q) {
  return mask && mask->is_floating_point() ? mask->to(q.scalar_type()) : mask;
}

bool has_own_kernel(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const std::optional<at::Tensor>& mask) {
  const at::ScalarType type = q.scalar_type();
  for (const at::Tensor& tensor : {q, k, v}) {
    if (tensor.dim() != 4 || !tensor.is_cpu() || tensor.scalar_type() != type || tensor.stride(-1) != 1) return false;
  }
  const bool same_batch = q.size(0) == k.size(0) && q.size(1) == k.size(1) && k.sizes() == v.sizes() && q.size(3) == k.size(3);
  return (type == at::kFloat || type == at::kBFloat16) && same_batch && (!mask || is_known_mask(*mask)) && k.size(2) > 0 &&
         k.size(2) <= longest;
}

/// `added` may be undefined.
template <class Number>
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& added, float scale) {
  const std::int64_t samples = q.size(0), heads = q.size(1), length = q.size(2), keys = k.size(2), width = q.size(3);
  // As the linear layer that follows wants it.
  const at::Tensor out = empty_with_room({samples, length, heads * width}, q.options());
  auto* results = out.mutable_data_ptr<Number>();
  on_heads(q, k, attention_scratch(keys, width), [&](std::int64_t n, std::int64_t h, float* scratch) {
    attend(AttentionTask<Number>{.q = rows_of<Number>(q, n, h),
                                 .k = rows_of<Number>(k, n, h),
                                 .v = rows_of<Number>(v, n, h),
                                 .mask = added.defined() ? rows_of<float>(added, n, h) : Rows<float>{},
                                 .out = results + (n * length * heads + h) * width,
                                 .out_stride = heads * width,
                                 .queries = length,
                                 .keys = keys,
                                 .width = width,
                                 .scale = scale},
           scratch);
  });
  return out.view({samples, length, heads, width}).transpose(1, 2);
}

}  // namespace

at::Tensor short_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const std::optional<at::Tensor>& mask,
                           std::optional<double> scale) {
  if (!has_own_kernel(q, k, v, mask)) return at::scaled_dot_product_attention(q, k, v, fitting(mask, q), 0.0, false, scale);
  const auto factor = static_cast<float>(scale.value_or(1.0 / std::sqrt(static_cast<double>(q.size(3)))));
  const at::Tensor added = mask ? added_mask(*mask, {q.size(0), q.size(1), q.size(2), k.size(2)}) : at::Tensor();
  return q.scalar_type() == at::kFloat ? attention<float>(q, k, v, added, factor) : attention<c10::BFloat16>(q, k, v, added, factor);
}

const char* short_attention_operator() {
  static const torch::jit::RegisterOperators registered({torch::jit::Operator(
      "graft::short_attention(Tensor q, Tensor k, Tensor v, Tensor? mask, float? scale) -> Tensor",
      [](torch::jit::Stack& stack) {
        const auto scale = torch::jit::pop(stack).toOptional<double>();
        const auto mask = torch::jit::pop(stack).toOptional<at::Tensor>();
        const at::Tensor v = torch::jit::pop(stack).toTensor(), k = torch::jit::pop(stack).toTensor(),
                         q = torch::jit::pop(stack).toTensor();
        torch::jit::push(stack, short_attention(q, k, v, mask, scale));
      },
      c10::AliasAnalysisKind::FROM_SCHEMA)});
  return "graft::short_attention";
}

}  // namespace graft::graph
