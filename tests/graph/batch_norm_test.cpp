// Batch norm with the sum and the activation after it, in passes of its own.
#include "graph/batch_norm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <limits>

#include "support.h"

using namespace graft;

namespace {

constexpr double none = std::numeric_limits<double>::infinity();

struct Inputs {
  at::Tensor x, residual, weight, bias, mean, variance;
};

struct Case {
  std::vector<std::int64_t> sizes;
  bool has_residual = false;
  double low = -none, high = none;
  bool has_affine = true;
  at::MemoryFormat format = at::MemoryFormat::ChannelsLast;
};

/// Channels with means far from 0 and of other widths, as networks have them.
Inputs inputs_of(const Case& of, at::ScalarType type = at::kFloat) {
  at::manual_seed(1);
  const std::int64_t channels = of.sizes[1];
  const auto leaf = [](const at::Tensor& values) { return values.detach().requires_grad_(true); };
  const at::Tensor place = at::randn({1, channels, 1, 1}) * 3, width = at::rand({1, channels, 1, 1}) + 0.1;
  Inputs inputs;
  inputs.x = leaf((at::randn(of.sizes) * width + place).contiguous(of.format).to(type));
  if (of.has_residual) inputs.residual = leaf(at::randn(of.sizes).to(type));
  if (of.has_affine) inputs.weight = leaf(at::randn({channels})), inputs.bias = leaf(at::randn({channels}));
  inputs.mean = at::randn({channels});
  inputs.variance = at::rand({channels}) + 0.5;
  return inputs;
}

std::optional<at::Tensor> given(const at::Tensor& tensor) { return tensor.defined() ? std::optional(tensor) : std::nullopt; }

at::Tensor joined(const Inputs& in, const Case& of, bool train = true) {
  return graph::batch_norm(in.x, {.weight = given(in.weight),
                                  .bias = given(in.bias),
                                  .running_mean = in.mean,
                                  .running_variance = in.variance,
                                  .train = train,
                                  .momentum = 0.2,
                                  .epsilon = 1e-3,
                                  .residual = given(in.residual),
                                  .low = of.low,
                                  .high = of.high});
}

at::Tensor apart(const Inputs& in, const Case& of, bool train = true) {
  at::Tensor y = at::batch_norm(in.x, given(in.weight), given(in.bias), in.mean, in.variance, train, 0.2, 1e-3, true);
  if (of.has_residual) y = y + in.residual;
  if (of.low == -none) return y;
  return of.high == none ? at::relu(y) : at::hardtanh(y, of.low, of.high);
}

/// The output, gradients of x, residual, weight and bias as far as they are there, and the running statistics.
template <class Function>
std::vector<at::Tensor> pass(Inputs inputs, const Function& function) {
  inputs.mean = inputs.mean.clone();
  inputs.variance = inputs.variance.clone();
  std::vector<at::Tensor> found = test::with_gradients(function(inputs), {inputs.x, inputs.residual, inputs.weight, inputs.bias});
  found.push_back(inputs.mean);
  found.push_back(inputs.variance);
  return found;
}

/// In float64, where graft has no kernel.
Inputs in_double(const Inputs& inputs) {
  const auto wide = [](const at::Tensor& tensor) {
    return tensor.defined() ? tensor.detach().to(at::kDouble).requires_grad_(tensor.requires_grad()) : at::Tensor();
  };
  return {wide(inputs.x), wide(inputs.residual), wide(inputs.weight), wide(inputs.bias), wide(inputs.mean), wide(inputs.variance)};
}

}  // namespace

TEST_CASE("BatchNorm: outputs, gradients and statistics are those of LibTorch's operators in float64", "[graph]") {
  // One pixel; odd channels with a rest; several tasks with a rest; two periods of 64; more channels than a kernel takes.
  const std::vector<std::int64_t> sizes =
      GENERATE(std::vector<std::int64_t>{5, 16, 1, 1}, std::vector<std::int64_t>{3, 7, 5, 3}, std::vector<std::int64_t>{1, 1, 3, 5},
               std::vector<std::int64_t>{9, 24, 13, 11}, std::vector<std::int64_t>{4, 128, 7, 7}, std::vector<std::int64_t>{2, 129, 3, 3});
  const auto [low, high] = GENERATE(std::pair(-none, none), std::pair(0.0, none), std::pair(0.0, 1.5));
  const bool has_residual = GENERATE(false, true), has_affine = GENERATE(true, false);
  const at::MemoryFormat format = GENERATE(at::MemoryFormat::ChannelsLast, at::MemoryFormat::Contiguous);
  const Case of{sizes, has_residual, low, high, has_affine, format};
  const Inputs inputs = inputs_of(of);
  const auto a = pass(inputs, [&](const Inputs& in) { return joined(in, of); });
  const auto b = pass(in_double(inputs), [&](const Inputs& in) { return apart(in, of); });
  CAPTURE(sizes, low, high, has_residual, has_affine, format);
  REQUIRE(a.size() == b.size());
  CHECK(a[0].is_contiguous(format));
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO(i);
    CHECK(a[i].scalar_type() == at::kFloat);
    CHECK(test::max_difference(a[i].to(at::kDouble), b[i]) < 2e-5 * (1 + b[i].abs().max().item<double>()));
  }
}

TEST_CASE("BatchNorm: ReLU stops the gradient at its limits, a clamp does not", "[graph]") {
  // With a weight of 0 every output is the bias: a limit.
  const bool passes = GENERATE(true, false), has_residual = GENERATE(true, false);
  const float limit = GENERATE(0.0F, 6.0F);
  const at::Tensor x = at::randn({3, 16, 2, 2}).contiguous(at::MemoryFormat::ChannelsLast), weight = at::zeros({16});
  const at::Tensor bias = at::full({16}, limit).requires_grad_(true);
  graph::BatchNorm norm{.weight = weight, .bias = bias, .train = true, .low = 0, .high = 6, .passes_at_limits = passes};
  if (has_residual) norm.residual = at::zeros_like(x);
  graph::batch_norm(x, norm).sum().backward();
  CHECK(bias.grad().equal(at::full({16}, passes ? 12.0 : 0.0)));
}

TEST_CASE("BatchNorm: hand-computed", "[graph]") {
  // Values 1 and 3 of each channel have mean 2 and variance 1, without bias 4 / 3 of four values.
  const at::Tensor x = at::tensor({1.0F, 3.0F, 1.0F, 3.0F}).view({4, 1, 1, 1}).expand({4, 2, 1, 1}).contiguous();
  const at::Tensor mean = at::zeros({2}), variance = at::ones({2});
  const at::Tensor y = graph::batch_norm(x, {.weight = at::full({2}, 2.0),
                                             .bias = at::full({2}, 0.5),
                                             .running_mean = mean,
                                             .running_variance = variance,
                                             .train = true,
                                             .momentum = 0.25,
                                             .epsilon = 0,
                                             .residual = at::full({4, 2, 1, 1}, 1.0),
                                             .low = 0});
  CHECK(test::max_difference(y.select(1, 0).flatten(), at::tensor({0.0F, 3.5F, 0.0F, 3.5F})) < 1e-6);
  CHECK(test::max_difference(mean, at::full({2}, 0.5)) < 1e-6);
  CHECK(test::max_difference(variance, at::full({2}, 0.75 + 0.25 * 4 / 3)) < 1e-6);
}

TEST_CASE("BatchNorm: in eval mode the numbers of LibTorch's operators, and statistics that stay", "[graph]") {
  const Case of{.sizes = {3, 16, 5, 5}, .has_residual = GENERATE(true, false), .low = 0, .high = GENERATE(none, 6.0)};
  const Inputs inputs = inputs_of(of);
  const auto a = pass(inputs, [&](const Inputs& in) { return joined(in, of, false); });
  const auto b = pass(inputs, [&](const Inputs& in) { return apart(in, of, false); });
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i].equal(b[i]));
  CHECK(a.back().equal(inputs.variance));
}

TEST_CASE("BatchNorm: a mean far from 0 costs no digits", "[graph]") {
  const at::Tensor x = (at::randn({8, 16, 9, 9}) + 3000).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor variance = at::zeros({16});
  graph::batch_norm(x, {.running_variance = variance, .train = true, .momentum = 1});
  CHECK(test::relative_difference(variance.to(at::kDouble), x.to(at::kDouble).var({0, 2, 3})) < 1e-5);
}

TEST_CASE("BatchNorm: in bfloat16 outputs and gradients are bfloat16's", "[graph]") {
  const Case of{.sizes = {9, 24, 13, 11}, .has_residual = GENERATE(true, false), .low = 0};
  const Inputs inputs = inputs_of(of, at::kBFloat16);
  const auto a = pass(inputs, [&](const Inputs& in) { return joined(in, of); });
  const auto b = pass(in_double(inputs), [&](const Inputs& in) { return apart(in, of); });
  CHECK(a[0].scalar_type() == at::kBFloat16);
  CHECK(a[1].scalar_type() == at::kBFloat16);
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO(i);
    CHECK(test::relative_difference(a[i].to(at::kDouble), b[i]) < 1e-2);
  }
}

TEST_CASE("BatchNorm: what is not a number stays so", "[graph]") {
  at::Tensor x = at::randn({2, 16, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast);
  x[1][5][0][0] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor y = graph::batch_norm(x, {.train = true, .low = 0});
  CHECK(y.select(1, 5).isnan().all().item<bool>());
  CHECK(y.isnan().sum().item<std::int64_t>() == 18);
}

TEST_CASE("BatchNorm: the number of threads does not matter", "[graph]") {
  const int before = at::get_num_threads();
  const Case of{.sizes = {17, 40, 19, 23}, .has_residual = GENERATE(true, false), .low = 0};
  const Inputs inputs = inputs_of(of);
  const auto with = [&](int threads) {
    at::set_num_threads(threads);
    return pass(inputs, [&](const Inputs& in) { return joined(in, of); });
  };
  const auto one = with(1), two = with(2), three = with(3);
  at::set_num_threads(before);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK((two[i].equal(one[i]) && three[i].equal(one[i])));
}
