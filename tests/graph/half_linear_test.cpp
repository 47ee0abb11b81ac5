// Linear layers in bfloat16 for steps of training, several of one input as one product.
#include "graph/half_linear.h"

#include <ATen/ATen.h>

#include "support.h"
#include "train/autocast.h"

using namespace graft;

namespace {

struct Layers {
  at::Tensor x;
  std::vector<at::Tensor> weights, biases;
};

/// Of these widths, with or without biases; numbers that bfloat16 holds, so that only results are rounded.
Layers layers_of(at::IntArrayRef sizes, const std::vector<std::int64_t>& widths, bool has_biases) {
  at::manual_seed(1);
  const auto numbers = [](at::IntArrayRef shape) { return at::randint(-4, 5, shape, at::kFloat).div_(4).requires_grad_(true); };
  Layers layers{.x = numbers(sizes), .weights = {}, .biases = {}};
  for (const std::int64_t width : widths) {
    layers.weights.push_back(numbers({width, sizes.back()}));
    if (has_biases) layers.biases.push_back(numbers({width}));
  }
  return layers;
}

/// Outputs, then gradients of the input, the weights and the biases for a loss that tells all places apart.
std::vector<at::Tensor> pass(const Layers& layers, Precision precision) {
  std::vector<at::Tensor> found;
  at::Tensor loss = at::zeros({});
  {
    const train::Autocast autocast(at::kCPU, precision);
    found = graph::linears(layers.x, layers.weights, layers.biases);
  }
  for (const at::Tensor& y : found) loss = loss + (y * at::arange(y.numel()).remainder(5).view(y.sizes())).sum();
  loss.backward();
  for (at::Tensor& y : found) y = y.detach();
  std::vector<at::Tensor> leaves{layers.x};
  leaves.insert(leaves.end(), layers.weights.begin(), layers.weights.end());
  leaves.insert(leaves.end(), layers.biases.begin(), layers.biases.end());
  for (const at::Tensor& leaf : leaves) {
    found.push_back(leaf.grad());
    leaf.mutable_grad().reset();
  }
  return found;
}

}  // namespace

TEST_CASE("HalfLinear: outputs and gradients are those of float32, to what bfloat16 tells apart", "[graph]") {
  const std::vector<std::int64_t> widths = GENERATE(std::vector<std::int64_t>{24}, std::vector<std::int64_t>{16, 8, 40});
  const std::vector<std::int64_t> sizes =
      GENERATE(std::vector<std::int64_t>{3, 7, 16}, std::vector<std::int64_t>{64, 16}, std::vector<std::int64_t>{2, 2, 33, 16});
  const bool has_biases = GENERATE(true, false);
  const Layers layers = layers_of(sizes, widths, has_biases);
  const auto whole = pass(layers, Precision::Float32), half = pass(layers, Precision::BFloat16);
  REQUIRE(half.size() == whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    INFO(i);
    CHECK(half[i].sizes() == whole[i].sizes());
    CHECK(half[i].scalar_type() == (i < widths.size() ? at::kBFloat16 : at::kFloat));
    CHECK(test::relative_difference(half[i].to(at::kFloat), whole[i]) < 1e-2);
  }
}

TEST_CASE("HalfLinear: in float32 it is at::linear, to the bit", "[graph]") {
  const Layers layers = layers_of({5, 3, 16}, {8, 24}, true);
  const auto found = graph::linears(layers.x, layers.weights, layers.biases);
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i].equal(at::linear(layers.x, layers.weights[i], layers.biases[i])));
}

TEST_CASE("HalfLinear: what is frozen gets no gradient, and an output that nobody reads adds nothing", "[graph]") {
  Layers layers = layers_of({5, 16}, {8, 24}, true);
  const bool input_trains = GENERATE(true, false);
  layers.x.requires_grad_(input_trains);
  layers.weights[0].requires_grad_(false);
  {
    const train::Autocast autocast(at::kCPU, Precision::BFloat16);
    graph::linears(layers.x, layers.weights, layers.biases)[0].to(at::kFloat).sum().backward();
  }
  CHECK(layers.x.grad().defined() == input_trains);
  CHECK_FALSE(layers.weights[0].grad().defined());
  CHECK(layers.biases[0].grad().equal(at::full({8}, 5.0)));
  CHECK(layers.weights[1].grad().equal(at::zeros({24, 16})));
}

TEST_CASE("HalfLinear: an input in bfloat16 has its gradient in bfloat16", "[graph]") {
  const Layers layers = layers_of({64, 16}, {8}, true);
  const at::Tensor x = layers.x.detach().to(at::kBFloat16).requires_grad_(true);
  const train::Autocast autocast(at::kCPU, Precision::BFloat16);
  graph::linears(x, layers.weights, layers.biases)[0].to(at::kFloat).sum().backward();
  CHECK(x.grad().scalar_type() == at::kBFloat16);
  CHECK(test::relative_difference(x.grad().to(at::kFloat), layers.weights[0].detach().sum(0).expand({64, 16})) < 1e-2);
}
