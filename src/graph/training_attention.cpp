#include "graph/training_attention.h"

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/jit/runtime/custom_operator.h>

#include <cmath>
#include <limits>

#include "graph/attention_heads.h"
#include "graph/attention_mask.h"
#include "graph/dropout.h"
#include "graph/training_attention_kernel.h"

namespace graft::graph {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <class Number>
Results<Number> results_of(const at::Tensor& tensor, std::int64_t n, std::int64_t h) {
  return {tensor.mutable_data_ptr<Number>() + n * tensor.stride(0) + h * tensor.stride(1), tensor.stride(2)};
}

at::Tensor rows_together(const at::Tensor& tensor) { return tensor.stride(-1) == 1 ? tensor : tensor.contiguous(); }

/// Of the sizes of a tensor [N, H, L, D], lying as [N, L, H, D].
at::Tensor empty_by_position(const at::Tensor& like) {
  return at::empty({like.size(0), like.size(2), like.size(1), like.size(3)}, like.options()).transpose(1, 2);
}

template <class Number>
class TrainingAttention : public torch::autograd::Function<TrainingAttention<Number>> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const std::optional<at::Tensor>& mask, double scale, double p) {
    const variable_list given{rows_together(q), rows_together(k), rows_together(v), mask.value_or(at::Tensor())};
    const Dropping dropping = draw_dropping(p);
    const at::Tensor out = empty_by_position(q), sums = at::empty({q.size(0), q.size(1), q.size(2)}, q.options().dtype(at::kFloat));
    on_heads(q, k, training_attention_scratch(k.size(2), k.size(3)), [&](std::int64_t n, std::int64_t h, float* scratch) {
      attend_forward(task_of(given, static_cast<float>(scale), dropping, n, h), results_of<Number>(out, n, h),
                     sums.mutable_data_ptr<float>() + n * sums.stride(0) + h * sums.stride(1), scratch);
    });
    context->save_for_backward({given[0], given[1], given[2], given[3], sums});
    context->saved_data["softmax_scale"] = scale;
    context->saved_data["seed"] = static_cast<std::int64_t>(dropping.seed);
    context->saved_data["dropped"] = static_cast<std::int64_t>(dropping.dropped);
    context->saved_data["dropout_scale"] = static_cast<double>(dropping.scale);
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor given = rows_together(gradients[0]);
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &sums = saved[4];
    const at::Tensor dq = empty_by_position(q), dk = empty_by_position(k), dv = empty_by_position(v);
    const Dropping dropping{static_cast<std::uint64_t>(context->saved_data["seed"].toInt()),
                            static_cast<std::uint16_t>(context->saved_data["dropped"].toInt()),
                            static_cast<float>(context->saved_data["dropout_scale"].toDouble())};
    const auto scale = static_cast<float>(context->saved_data["softmax_scale"].toDouble());
    on_heads(q, k, training_attention_scratch(k.size(2), k.size(3)), [&](std::int64_t n, std::int64_t h, float* scratch) {
      const AttentionGradients<Number> places{rows_of<Number>(given, n, h), results_of<Number>(dq, n, h), results_of<Number>(dk, n, h),
                                              results_of<Number>(dv, n, h)};
      attend_backward(task_of(saved, scale, dropping, n, h), places, sums.const_data_ptr<float>() + n * sums.stride(0) + h * sums.stride(1),
                      scratch);
    });
    return {dq, dk, dv, at::Tensor(), at::Tensor(), at::Tensor()};
  }

 private:
  static TrainingAttentionTask<Number> task_of(const variable_list& tensors, float scale, const Dropping& dropping, std::int64_t n,
                                               std::int64_t h) {
    const at::Tensor &q = tensors[0], &k = tensors[1], &mask = tensors[3];
    return {.q = rows_of<Number>(q, n, h),
            .k = rows_of<Number>(k, n, h),
            .v = rows_of<Number>(tensors[2], n, h),
            .mask = mask.defined() ? rows_of<float>(mask, n, h) : Rows<float>{},
            .queries = q.size(2),
            .keys = k.size(2),
            .width = q.size(3),
            .scale = scale,
            .dropping = dropping,
            .number = n * q.size(1) + h};
  }
};

/// Without dropout LibTorch's kernel in float32 is as good, and gives the numbers of the network as it is. In bfloat16 oneDNN would compile
/// one for each length and number of texts.
bool has_own_kernel(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const AttentionOptions& options) {
  const at::ScalarType type = q.scalar_type();
  for (const at::Tensor& tensor : {q, k, v}) {
    if (tensor.dim() != 4 || !tensor.is_cpu() || tensor.scalar_type() != type || tensor.numel() == 0) return false;
  }
  const bool same_batch = q.size(0) == k.size(0) && q.size(1) == k.size(1) && k.sizes() == v.sizes() && q.size(3) == k.size(3);
  const bool known_mask = !options.mask || (is_known_mask(*options.mask) && !options.mask->requires_grad());
  const bool known_type = (type == at::kFloat && options.p > 0) || type == at::kBFloat16;
  return known_type && same_batch && known_mask && !options.causal && !options.grouped && options.p < 1;
}

/// As LibTorch computes it with dropout, whose numbers are ours.
at::Tensor written_out(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const AttentionOptions& options, double scale) {
  at::Tensor scores = at::matmul(q * scale, k.transpose(-2, -1));
  if (options.mask && options.mask->scalar_type() == at::kBool) {
    scores = scores.masked_fill(options.mask->logical_not(), -std::numeric_limits<double>::infinity());
  } else if (options.mask) {
    scores = scores + *options.mask;
  }
  return at::matmul(dropout(scores.softmax(-1), options.p), v);
}

}  // namespace

at::Tensor training_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const AttentionOptions& options) {
  const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(q.size(-1))));
  if (has_own_kernel(q, k, v, options)) {
    std::optional<at::Tensor> mask;
    if (options.mask) mask = added_mask(*options.mask, {q.size(0), q.size(1), q.size(2), k.size(2)});
    return q.scalar_type() == at::kFloat ? TrainingAttention<float>::apply(q, k, v, mask, scale, options.p)
                                         : TrainingAttention<c10::BFloat16>::apply(q, k, v, mask, scale, options.p);
  }
  if (q.is_cpu() && q.scalar_type() == at::kBFloat16) {
    const c10::impl::ExcludeDispatchKeyGuard without_autocast(c10::DispatchKey::AutocastCPU);
    return training_attention(q.to(at::kFloat), k.to(at::kFloat), v.to(at::kFloat), options).to(at::kBFloat16);
  }
  if (options.p == 0 || options.causal || options.grouped || !q.is_cpu())
    return at::scaled_dot_product_attention(q, k, v, options.mask, options.p, options.causal, options.scale, options.grouped);
  return written_out(q, k, v, options, scale);
}

const char* training_attention_operator() {
  static const torch::jit::RegisterOperators registered({torch::jit::Operator(
      "graft::training_attention(Tensor q, Tensor k, Tensor v, Tensor? mask, float p, bool causal, float? scale, bool grouped) -> Tensor",
      [](torch::jit::Stack& stack) {
        AttentionOptions options;
        options.grouped = torch::jit::pop(stack).toBool();
        options.scale = torch::jit::pop(stack).toOptional<double>();
        options.causal = torch::jit::pop(stack).toBool();
        options.p = torch::jit::pop(stack).toDouble();
        options.mask = torch::jit::pop(stack).toOptional<at::Tensor>();
        const at::Tensor v = torch::jit::pop(stack).toTensor(), k = torch::jit::pop(stack).toTensor(),
                         q = torch::jit::pop(stack).toTensor();
        torch::jit::push(stack, training_attention(q, k, v, options));
      },
      // It draws random numbers: two calls are not one.
      c10::AliasAnalysisKind::CONSERVATIVE)});
  return "graft::training_attention";
}

}  // namespace graft::graph
