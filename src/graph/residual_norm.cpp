#include "graph/residual_norm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "graph/dropout.h"
#include "graph/norm_kernel.h"
#include "graph/row_tasks.h"

namespace graft::graph {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <class Number>
class ResidualNorm : public torch::autograd::Function<ResidualNorm<Number>> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const std::optional<at::Tensor>& x_bias,
                            const at::Tensor& residual, const at::Tensor& weight, const at::Tensor& bias, double epsilon, double p) {
    const at::Tensor from = x.contiguous(), added = residual.contiguous(), scale = weight.contiguous(), shift = bias.contiguous();
    const std::int64_t width = x.size(-1), rows = x.numel() / width;
    const at::Tensor y = at::empty_like(added), normalized = at::empty_like(added), inverse = at::empty({rows}, added.options());
    const at::Tensor x_shift = x_bias ? x_bias->contiguous() : at::Tensor();
    const Dropping dropping = draw_dropping(p);
    const NormTask<Number> task{.x = from.const_data_ptr<Number>(),
                                .x_bias = x_bias ? x_shift.const_data_ptr<float>() : nullptr,
                                .residual = added.const_data_ptr<float>(),
                                .weight = scale.const_data_ptr<float>(),
                                .bias = shift.const_data_ptr<float>(),
                                .y = y.mutable_data_ptr<float>(),
                                .normalized = normalized.mutable_data_ptr<float>(),
                                .inverse = inverse.mutable_data_ptr<float>(),
                                .width = width,
                                .epsilon = static_cast<float>(epsilon),
                                .dropping = dropping};
    on_rows(rows, width, [&](std::int64_t, std::int64_t begin, std::int64_t end) { norm_rows(task, begin, end); });
    context->save_for_backward({normalized, inverse, scale});
    context->saved_data["has_x_bias"] = x_bias.has_value();
    context->saved_data["seed"] = static_cast<std::int64_t>(dropping.seed);
    context->saved_data["dropped"] = static_cast<std::int64_t>(dropping.dropped);
    context->saved_data["scale"] = static_cast<double>(dropping.scale);
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor given = gradients[0].contiguous();
    const std::int64_t width = given.size(-1), rows = given.numel() / width;
    const bool has_x_bias = context->saved_data["has_x_bias"].toBool();
    const at::Tensor x = at::empty(given.sizes(), given.options().dtype(c10::CppTypeToScalarType<Number>::value));
    const at::Tensor residual = at::empty_like(given), sums = at::zeros({row_tasks(rows), 3, width}, given.options());
    NormGradientTask<Number> task{.gradient = given.const_data_ptr<float>(),
                                  .normalized = saved[0].const_data_ptr<float>(),
                                  .inverse = saved[1].const_data_ptr<float>(),
                                  .weight = saved[2].const_data_ptr<float>(),
                                  .x = x.mutable_data_ptr<Number>(),
                                  .residual = residual.mutable_data_ptr<float>(),
                                  .width = width,
                                  .dropping = {static_cast<std::uint64_t>(context->saved_data["seed"].toInt()),
                                               static_cast<std::uint16_t>(context->saved_data["dropped"].toInt()),
                                               static_cast<float>(context->saved_data["scale"].toDouble())}};
    auto* places = sums.mutable_data_ptr<float>();
    on_rows(rows, width, [&](std::int64_t number, std::int64_t begin, std::int64_t end) {
      NormGradientTask<Number> own = task;
      own.weight_sum = places + 3 * number * width;
      own.bias_sum = own.weight_sum + width;
      if (has_x_bias) own.x_bias_sum = own.bias_sum + width;
      norm_gradient_rows(own, begin, end);
    });
    const at::Tensor total = sums.sum(0);
    return {x, has_x_bias ? total[2] : at::Tensor(), residual, total[0], total[1], at::Tensor(), at::Tensor()};
  }
};

bool has_own_kernel(const at::Tensor& x, const std::optional<at::Tensor>& x_bias, const at::Tensor& residual,
                    const std::optional<at::Tensor>& weight, const std::optional<at::Tensor>& bias, double p) {
  if (!weight || !bias || p >= 1 || !x.is_cpu() || x.numel() == 0 || x.sizes() != residual.sizes() || x.size(-1) % norm_block != 0)
    return false;
  const auto is_float = [](const at::Tensor& tensor) { return tensor.is_cpu() && tensor.scalar_type() == at::kFloat; };
  const bool known_bias = !x_bias || (is_float(*x_bias) && x_bias->sizes() == weight->sizes());
  return (is_float(x) || x.scalar_type() == at::kBFloat16) && known_bias && is_float(residual) && is_float(*weight) && is_float(*bias);
}

}  // namespace

at::Tensor residual_norm(const at::Tensor& x, const std::optional<at::Tensor>& x_bias, const at::Tensor& residual,
                         const std::optional<at::Tensor>& weight, const std::optional<at::Tensor>& bias, double epsilon, double p) {
  if (!has_own_kernel(x, x_bias, residual, weight, bias, p)) {
    const at::Tensor shifted = x_bias ? x + *x_bias : x;
    return at::layer_norm((p > 0 ? dropout(shifted, p) : shifted) + residual, {x.size(-1)}, weight, bias, epsilon);
  }
  return x.scalar_type() == at::kFloat ? ResidualNorm<float>::apply(x, x_bias, residual, *weight, *bias, epsilon, p)
                                       : ResidualNorm<c10::BFloat16>::apply(x, x_bias, residual, *weight, *bias, epsilon, p);
}

}  // namespace graft::graph
