#include "head/norm_relu.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "graft/head/feature_pyramid.h"
#include "graph/script.h"
#include "graph/torch_threads.h"
#include "head/norm_relu_kernel.h"

namespace graft::head {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double epsilon = 1e-5;

NormReluSize size_of(const at::Tensor& maps, std::int64_t groups) { return {maps.size(2) * maps.size(3), maps.size(1), groups}; }

/// body(picture), on LibTorch's threads.
template <class Body>
void on_pictures(const at::Tensor& maps, const Body& body) {
  graph::on_torch_threads(maps.size(0), 1, [&](std::span<const std::int64_t> pictures) {
    for (const std::int64_t picture : pictures) body(picture);
  });
}

template <class Number>
class NormRelu : public torch::autograd::Function<NormRelu<Number>> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& maps, const at::Tensor& weight, const at::Tensor& bias,
                            std::int64_t groups) {
    const at::Tensor x = channels_last(maps), scale = weight.contiguous(), shift = bias.contiguous(), y = at::empty_like(x);
    const at::Tensor mean = at::empty({x.size(0), groups}, scale.options()), inverse = at::empty_like(mean);
    const std::int64_t numbers = x.numel() / x.size(0);
    const NormReluTask<Number> all{.size = size_of(x, groups),
                                   .x = x.const_data_ptr<Number>(),
                                   .weight = scale.const_data_ptr<float>(),
                                   .bias = shift.const_data_ptr<float>(),
                                   .y = y.mutable_data_ptr<Number>(),
                                   .mean = mean.mutable_data_ptr<float>(),
                                   .inverse = inverse.mutable_data_ptr<float>(),
                                   .epsilon = static_cast<float>(epsilon)};
    on_pictures(x, [&](std::int64_t picture) {
      NormReluTask<Number> task = all;
      task.x += picture * numbers;
      task.y += picture * numbers;
      task.mean += picture * groups;
      task.inverse += picture * groups;
      norm_relu(task);
    });
    context->save_for_backward({x, scale, shift, mean, inverse});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor given = channels_last(gradients[0]), to = at::empty_like(x);
    const std::int64_t groups = saved[3].size(1), channels = x.size(1), numbers = x.numel() / x.size(0);
    const at::Tensor own = at::empty({x.size(0), 2, channels}, saved[1].options());
    const NormReluGradientTask<Number> all{.size = size_of(x, groups),
                                           .gradient = given.const_data_ptr<Number>(),
                                           .x = x.const_data_ptr<Number>(),
                                           .weight = saved[1].const_data_ptr<float>(),
                                           .bias = saved[2].const_data_ptr<float>(),
                                           .mean = saved[3].const_data_ptr<float>(),
                                           .inverse = saved[4].const_data_ptr<float>(),
                                           .x_gradient = to.mutable_data_ptr<Number>(),
                                           .weight_gradient = own.mutable_data_ptr<float>()};
    on_pictures(x, [&](std::int64_t picture) {
      NormReluGradientTask<Number> task = all;
      task.gradient += picture * numbers;
      task.x += picture * numbers;
      task.x_gradient += picture * numbers;
      task.mean += picture * groups;
      task.inverse += picture * groups;
      task.weight_gradient += picture * 2 * channels;
      task.bias_gradient = task.weight_gradient + channels;
      norm_relu_gradient(task);
    });
    const at::Tensor total = own.sum(0);
    return {to, total[0], total[1], at::Tensor()};
  }
};

bool has_kernel(const at::Tensor& maps, const at::Tensor& weight) {
  const at::ScalarType type = maps.scalar_type();
  return !graph::is_recording() && maps.is_cpu() && (type == at::kFloat || type == at::kBFloat16) && weight.scalar_type() == at::kFloat &&
         maps.size(1) % norm_relu_block == 0 && maps.numel() > 0;
}

}  // namespace

at::Tensor norm_relu(const at::Tensor& maps, std::int64_t groups, const at::Tensor& weight, const at::Tensor& bias) {
  if (!has_kernel(maps, weight)) return at::group_norm(maps, groups, weight, bias, epsilon).relu();
  if (maps.scalar_type() == at::kBFloat16) return NormRelu<c10::BFloat16>::apply(maps, weight, bias, groups);
  return NormRelu<float>::apply(maps, weight, bias, groups);
}

}  // namespace graft::head
