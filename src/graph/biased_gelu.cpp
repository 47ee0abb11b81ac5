#include "graph/biased_gelu.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/jit/runtime/custom_operator.h>

#include "graph/gelu_kernel.h"
#include "graph/row_tasks.h"

namespace graft::graph {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <class Number>
class BiasedGelu : public torch::autograd::Function<BiasedGelu<Number>> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& bias) {
    const at::Tensor from = x.contiguous(), shift = bias.contiguous(), y = at::empty_like(from);
    const std::int64_t width = x.size(-1);
    const GeluTask<Number> task{from.const_data_ptr<Number>(), shift.const_data_ptr<float>(), y.mutable_data_ptr<Number>(), width};
    on_rows(x.numel() / width, width, [&](std::int64_t, std::int64_t begin, std::int64_t end) { gelu_rows(task, begin, end); });
    context->save_for_backward({from, shift});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor given = gradients[0].contiguous(), made = at::empty_like(given);
    const std::int64_t width = given.size(-1), rows = given.numel() / width;
    const at::Tensor sums = at::zeros({row_tasks(rows), width}, given.options().dtype(at::kFloat));
    const GeluGradientTask<Number> task{.gradient = given.const_data_ptr<Number>(),
                                        .x = saved[0].const_data_ptr<Number>(),
                                        .bias = saved[1].const_data_ptr<float>(),
                                        .x_gradient = made.mutable_data_ptr<Number>(),
                                        .width = width};
    auto* places = sums.mutable_data_ptr<float>();
    on_rows(rows, width, [&](std::int64_t number, std::int64_t begin, std::int64_t end) {
      GeluGradientTask<Number> own = task;
      own.bias_sum = places + number * width;
      gelu_gradient_rows(own, begin, end);
    });
    return {made, sums.sum(0)};
  }
};

}  // namespace

at::Tensor biased_gelu(const at::Tensor& x, const at::Tensor& bias) {
  const bool is_float = x.scalar_type() == at::kFloat, has_kernel = is_float || x.scalar_type() == at::kBFloat16;
  if (!has_kernel || !x.is_cpu() || !bias.is_cpu() || bias.scalar_type() != at::kFloat || x.numel() == 0 || x.size(-1) % gelu_block != 0 ||
      bias.sizes() != x.sizes().slice(static_cast<std::size_t>(x.dim() - 1)))
    return at::gelu(x + bias);
  return is_float ? BiasedGelu<float>::apply(x, bias) : BiasedGelu<c10::BFloat16>::apply(x, bias);
}

const char* biased_gelu_operator() {
  static const torch::jit::RegisterOperators registered({torch::jit::Operator(
      "graft::biased_gelu(Tensor x, Tensor bias) -> Tensor",
      [](torch::jit::Stack& stack) {
        const at::Tensor bias = torch::jit::pop(stack).toTensor(), x = torch::jit::pop(stack).toTensor();
        torch::jit::push(stack, biased_gelu(x, bias));
      },
      c10::AliasAnalysisKind::FROM_SCHEMA)});
  return "graft::biased_gelu";
}

}  // namespace graft::graph
