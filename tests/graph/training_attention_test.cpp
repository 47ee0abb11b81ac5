// Attention that trains: values and gradients of softmax, dropout and products one by one.
#include "graph/training_attention.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <limits>

#include "graft/core/rng.h"
#include "graph/dropout.h"
#include "support.h"

using namespace graft;

namespace {

// A share of dropout so small that nothing is dropped, by a kernel that would drop.
constexpr double next_to_nothing = 1e-9;

struct Inputs {
  at::Tensor q, k, v;
};

/// Leaves as a divided projection lies in memory: [N, L, H, D].
Inputs inputs_of(std::int64_t samples, std::int64_t heads, std::int64_t queries, std::int64_t keys, std::int64_t width,
                 at::ScalarType type = at::kFloat) {
  at::manual_seed(1);
  const auto leaf = [&](std::int64_t length) {
    return (at::randn({samples, length, heads, width}) * 2).to(type).transpose(1, 2).requires_grad_(true);
  };
  return {leaf(queries), leaf(keys), leaf(keys)};
}

/// The output, and gradients in the order of the inputs.
template <class Function>
std::vector<at::Tensor> pass(const Inputs& inputs, const Function& function) {
  at::manual_seed(7);
  return test::with_gradients(function(inputs), {inputs.q, inputs.k, inputs.v});
}

std::vector<at::Tensor> in_one(const Inputs& inputs, const graph::AttentionOptions& options) {
  return pass(inputs, [&](const Inputs& in) { return graph::training_attention(in.q, in.k, in.v, options); });
}

/// What each weight is multiplied by: decisions come for 32 queries at a time, key by key, head by head.
at::Tensor drop_factors(double p, std::int64_t heads, std::int64_t queries, std::int64_t keys) {
  const graph::Dropping dropping = graph::draw_dropping(p);
  const at::Tensor factors = at::ones({heads, queries, keys});
  const std::int64_t groups = (queries + 31) / 32;
  auto at_place = factors.accessor<float, 3>();
  for (std::int64_t h = 0; h < heads; ++h) {
    for (std::int64_t i = 0; i < queries; ++i) {
      for (std::int64_t j = 0; j < keys; ++j) {
        const auto place = static_cast<std::uint64_t>(((h * groups + i / 32) * keys + j) * 32 + i % 32);
        const auto decision = static_cast<std::uint16_t>(Rng::word(dropping.seed, place / 4) >> (16 * (place % 4)));
        at_place[h][i][j] = decision >= dropping.dropped ? dropping.scale : 0;
      }
    }
  }
  return factors;
}

/// In float64, step by step.
std::vector<at::Tensor> apart(const Inputs& inputs, const graph::AttentionOptions& options) {
  return pass(inputs, [&](const Inputs& in) {
    const auto wide = [](const at::Tensor& x) { return x.to(at::kDouble); };
    const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(in.q.size(3))));
    at::Tensor scores = at::matmul(wide(in.q), wide(in.k).transpose(-2, -1)) * scale;
    if (options.mask)
      scores = options.mask->scalar_type() == at::kBool ? scores.masked_fill(~*options.mask, -std::numeric_limits<double>::infinity())
                                                        : scores + *options.mask;
    const at::Tensor factors = drop_factors(options.p, in.q.size(0) * in.q.size(1), in.q.size(2), in.k.size(2)).view(scores.sizes());
    return at::matmul(scores.softmax(-1) * factors, wide(in.v)).to(in.q.scalar_type());
  });
}

}  // namespace

TEST_CASE("TrainingAttention: two queries, two keys by hand", "[graph]") {
  // Scores 0 and ln 3: weights 1/4 and 3/4 of 4 and 8.
  const at::Tensor q = at::ones({1, 1, 2, 1}).requires_grad_(true), k = at::tensor({0.0F, std::log(3.0F)}).view({1, 1, 2, 1});
  const at::Tensor v = at::tensor({4.0F, 8.0F}).view({1, 1, 2, 1}).requires_grad_(true);
  const at::Tensor y = graph::training_attention(q, k, v, {.p = next_to_nothing, .scale = 1});
  CHECK(test::max_difference(y.detach(), at::full({1, 1, 2, 1}, 7.0F)) < 1e-6);
  y.sum().backward();
  // d/dq of 4 + 4 w with w = 1 / (1 + e^(-q ln 3)): 4 w (1 - w) ln 3. Each value has its weight twice.
  CHECK(test::max_difference(q.grad(), at::full({1, 1, 2, 1}, 0.75F * std::log(3.0F))) < 1e-6);
  CHECK(test::max_difference(v.grad(), at::tensor({0.5F, 1.5F}).view({1, 1, 2, 1})) < 1e-6);
}

TEST_CASE("TrainingAttention: values and gradients of its parts, for all lengths, widths and masks", "[graph]") {
  const std::int64_t length = GENERATE(1, 7, 16, 17, 33, 70), width = GENERATE(3, 32, 40);
  const double p = GENERATE(next_to_nothing, 0.3);
  const std::string kind = GENERATE("none", "added", "seen", "per query");
  const std::int64_t keys = kind == "per query" ? length + 5 : length;
  const Inputs inputs = inputs_of(2, 3, length, keys, width);
  graph::AttentionOptions options{.p = p};
  if (kind == "none") options.scale = 0.3;
  if (kind == "added") options.mask = at::randn({2, 1, 1, keys});
  if (kind == "per query") options.mask = at::randn({1, 3, length, keys});
  if (kind == "seen") {
    options.mask = at::rand({2, 1, 1, keys}) > 0.5;
    options.mask->select(3, 0).fill_(true);
  }
  INFO(length << " x " << width << ", p " << p << ", mask " << kind);
  const auto a = in_one(inputs, options), b = apart(inputs, options);
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO(i);
    REQUIRE(a[i].sizes() == b[i].sizes());
    CHECK(test::max_difference(a[i], b[i]) < 1e-5 * (1 + b[i].abs().max().item<double>()));
    CHECK(a[i].transpose(1, 2).is_contiguous());
  }
}

TEST_CASE("TrainingAttention: in bfloat16 only inputs, results and gradients are rounded", "[graph]") {
  const Inputs inputs = inputs_of(2, 2, 37, 37, 32, at::kBFloat16);
  const auto a = in_one(inputs, {.p = 0.1}), b = apart(inputs, {.p = 0.1});
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO(i);
    CHECK(a[i].scalar_type() == at::kBFloat16);
    CHECK(test::relative_difference(a[i].to(at::kFloat), b[i].to(at::kFloat)) < 5e-3);
  }
}

TEST_CASE("TrainingAttention: what has no kernel goes to LibTorch", "[graph]") {
  const bool causal = GENERATE(false, true);
  const Inputs inputs = inputs_of(1, 2, 9, 9, 8, causal ? at::kFloat : at::kDouble);
  const auto a = in_one(inputs, {.causal = causal});
  const auto b =
      pass(inputs, [&](const Inputs& in) { return at::scaled_dot_product_attention(in.q, in.k, in.v, std::nullopt, 0.0, causal); });
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(test::max_difference(a[i], b[i]) < 1e-6);
}

TEST_CASE("TrainingAttention: what has no kernel is computed in float32 for bfloat16", "[graph]") {
  const Inputs inputs = inputs_of(2, 2, 20, 20, 32, at::kBFloat16);
  const auto a = in_one(inputs, {.causal = true});
  const auto b = pass(inputs, [](const Inputs& in) {
    const auto wide = [](const at::Tensor& x) { return x.to(at::kFloat); };
    return at::scaled_dot_product_attention(wide(in.q), wide(in.k), wide(in.v), std::nullopt, 0.0, true).to(at::kBFloat16);
  });
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i].equal(b[i]));
}

TEST_CASE("TrainingAttention: a mask that trains gets its gradient", "[graph]") {
  const Inputs inputs = inputs_of(2, 2, 20, 20, 8);
  const at::Tensor mask = at::zeros({1, 2, 20, 20}).requires_grad_(true);
  in_one(inputs, {.mask = mask, .p = 0.5});
  REQUIRE(mask.grad().defined());
  CHECK(mask.grad().abs().sum().item<double>() > 0);
}

TEST_CASE("TrainingAttention: the same numbers with any number of threads", "[graph]") {
  const Inputs inputs = inputs_of(8, 4, 50, 50, 32);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = in_one(inputs, {.p = 0.1});
  at::set_num_threads(threads);
  const auto many = in_one(inputs, {.p = 0.1});
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(one[i].equal(many[i]));
}
