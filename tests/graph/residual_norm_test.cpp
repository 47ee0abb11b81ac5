// A norm with the sum and the dropout before it, in one pass.
#include "graph/residual_norm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "graph/dropout.h"
#include "support.h"

using namespace graft;

namespace {

struct Inputs {
  at::Tensor x, residual, weight, bias, x_bias;
};

Inputs inputs_of(at::IntArrayRef sizes, at::ScalarType type = at::kFloat) {
  at::manual_seed(1);
  const auto leaf = [](const at::Tensor& values) { return values.requires_grad_(true); };
  return {leaf(at::randn(sizes).to(type)), leaf(at::randn(sizes) + 0.5), leaf(at::randn({sizes.back()})), leaf(at::randn({sizes.back()})),
          leaf(at::randn({sizes.back()}))};
}

/// The output, and gradients in the order of the inputs.
template <class Function>
std::vector<at::Tensor> pass(const Inputs& inputs, const Function& function) {
  at::manual_seed(7);
  return test::with_gradients(function(inputs), {inputs.x, inputs.residual, inputs.weight, inputs.bias, inputs.x_bias});
}

std::vector<at::Tensor> joined(const Inputs& inputs, double p) {
  return pass(inputs, [&](const Inputs& in) { return graph::residual_norm(in.x, in.x_bias, in.residual, in.weight, in.bias, 1e-5, p); });
}

std::vector<at::Tensor> apart(const Inputs& inputs, double p) {
  return pass(inputs, [&](const Inputs& in) {
    return at::layer_norm(graph::dropout(in.x + in.x_bias, p) + in.residual, {in.weight.size(0)}, in.weight, in.bias, 1e-5);
  });
}

}  // namespace

TEST_CASE("ResidualNorm: outputs and gradients are those of dropout, sum and norm, which drop the same numbers", "[graph]") {
  const double p = GENERATE(0.0, 0.1, 0.5);
  // One row, several tasks with a rest, and a width that has no kernel.
  const std::vector<std::int64_t> sizes =
      GENERATE(std::vector<std::int64_t>{1, 32}, std::vector<std::int64_t>{3, 7, 96}, std::vector<std::int64_t>{5, 4, 12});
  const Inputs inputs = inputs_of(sizes);
  const auto a = joined(inputs, p), b = apart(inputs, p);
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO(i);
    CHECK(a[i].sizes() == b[i].sizes());
    CHECK(test::max_difference(a[i], b[i]) < 2e-5);
  }
}

TEST_CASE("ResidualNorm: hand-computed", "[graph]") {
  // Sums of -1 and 1 have mean 0 and variance 1.
  const at::Tensor sign = at::ones({1, 32}).index_fill_(1, at::arange(0, 32, 2), -1.0);
  const at::Tensor y = graph::residual_norm(sign * 3, std::nullopt, sign * -2, at::full({32}, 2.0), at::full({32}, 0.5), 0, 0);
  CHECK(test::max_difference(y, sign * 2 + 0.5) < 1e-6);
}

TEST_CASE("ResidualNorm: x in bfloat16 gives the same, and its gradient in bfloat16", "[graph]") {
  const Inputs inputs = inputs_of({9, 64}, at::kBFloat16);
  const auto a = joined(inputs, 0.1), b = apart(inputs, 0.1);
  CHECK(a[0].scalar_type() == at::kFloat);
  CHECK(a[1].scalar_type() == at::kBFloat16);
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO(i);
    CHECK(test::relative_difference(a[i].to(at::kFloat), b[i].to(at::kFloat)) < 1e-2);
  }
}

TEST_CASE("ResidualNorm: gradients agree with differences, in the form for float64", "[graph]") {
  at::manual_seed(1);
  const auto leaf = [](at::IntArrayRef sizes) { return at::randn(sizes, at::kDouble).requires_grad_(true); };
  const at::Tensor x = leaf({3, 32}), residual = leaf({3, 32}), weight = leaf({32}), bias = leaf({32}), x_bias = leaf({32});
  const auto value = [&] { return graph::residual_norm(x, x_bias, residual, weight, bias, 1e-5, 0).sin().sum(); };
  value().backward();
  for (const at::Tensor& tensor : {x, x_bias, residual, weight, bias}) {
    const at::NoGradGuard no_grad;
    at::Tensor place = tensor.view({-1})[5];
    constexpr double step = 1e-6;
    place += step;
    const double up = value().item<double>();
    place -= 2 * step;
    const double down = value().item<double>();
    place += step;
    CHECK(tensor.grad().view({-1})[5].item<double>() == Approx((up - down) / (2 * step)).epsilon(1e-5).margin(1e-7));
  }
}

TEST_CASE("ResidualNorm: the number of threads does not matter", "[graph]") {
  const int before = at::get_num_threads();
  const Inputs inputs = inputs_of({70, 64, 96});
  const auto with = [&](int threads) {
    at::set_num_threads(threads);
    return joined(inputs, 0.2);
  };
  const auto one = with(1), two = with(2), three = with(3);
  at::set_num_threads(before);
  // The sums over tasks are LibTorch's.
  for (std::size_t i = 0; i < 3; ++i) CHECK((two[i].equal(one[i]) && three[i].equal(one[i])));
}
