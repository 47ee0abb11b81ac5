// GELU with the bias of the layer before it.
#include "graph/biased_gelu.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "support.h"

using namespace graft;

namespace {

/// The output, and the gradients of both.
template <class Function>
std::vector<at::Tensor> pass(const at::Tensor& x, const at::Tensor& bias, const Function& function) {
  const at::Tensor own = x.detach().requires_grad_(true), shift = bias.detach().requires_grad_(true);
  return test::with_gradients(function(own, shift), {own, shift});
}

at::Tensor apart(const at::Tensor& x, const at::Tensor& bias) {
  return at::gelu(x.to(at::kDouble) + bias.to(at::kDouble)).to(x.scalar_type());
}

}  // namespace

TEST_CASE("BiasedGelu: by hand", "[graph]") {
  // Phi(1) = 0.8413447, and Phi(-2) = 0.0227501.
  const at::Tensor y = graph::biased_gelu(at::tensor({0.5F, -2.5F, 0.0F}).repeat_interleave(32).view({3, 32}), at::full({32}, 0.5));
  CHECK(test::max_difference(y.select(1, 7), at::tensor({0.8413447F, -0.0455003F, 0.3457312F})) < 5e-7);
}

TEST_CASE("BiasedGelu: values and gradients of sum and GELU, far out too", "[graph]") {
  // One row, several tasks with a rest, and a width that has no kernel.
  const std::vector<std::int64_t> sizes =
      GENERATE(std::vector<std::int64_t>{1, 32}, std::vector<std::int64_t>{3, 7, 96}, std::vector<std::int64_t>{5, 12});
  at::manual_seed(1);
  const at::Tensor x = at::randn(sizes) * 4, bias = at::randn({sizes.back()});
  const auto a = pass(x, bias, graph::biased_gelu), b = pass(x, bias, apart);
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO(i);
    CHECK(a[i].sizes() == b[i].sizes());
    CHECK(test::max_difference(a[i], b[i]) < 2e-6 * (1 + b[i].abs().max().item<double>()));
  }
  const at::Tensor far = at::tensor({-1e4F, 1e4F}).repeat_interleave(32).view({2, 32});
  CHECK(graph::biased_gelu(far, at::zeros({32})).equal(at::relu(far)));
}

TEST_CASE("BiasedGelu: in bfloat16 only inputs and results are rounded", "[graph]") {
  at::manual_seed(1);
  const at::Tensor x = at::randn({9, 64}).to(at::kBFloat16), bias = at::randn({64});
  const auto a = pass(x, bias, graph::biased_gelu), b = pass(x, bias, apart);
  CHECK(a[1].scalar_type() == at::kBFloat16);
  CHECK(a[2].scalar_type() == at::kFloat);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(test::relative_difference(a[i].to(at::kFloat), b[i].to(at::kFloat)) < 5e-3);
}

TEST_CASE("BiasedGelu: the same numbers with any number of threads", "[graph]") {
  at::manual_seed(1);
  const at::Tensor x = at::randn({200, 256}), bias = at::randn({256});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = pass(x, bias, graph::biased_gelu);
  at::set_num_threads(threads);
  const auto many = pass(x, bias, graph::biased_gelu);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(one[i].equal(many[i]));
}
