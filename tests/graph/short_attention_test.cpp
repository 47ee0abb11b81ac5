// Attention over short sequences equals LibTorch's.
#include "graph/short_attention.h"

#include <ATen/Parallel.h>

#include "support.h"

using namespace graft;

TEST_CASE("ShortAttention: two queries, two keys by hand", "[graph]") {
  // Scores 0 and ln 3: weights 1/4 and 3/4.
  const at::Tensor q = at::ones({1, 1, 2, 1}), k = at::tensor({0.0F, std::log(3.0F)}).view({1, 1, 2, 1});
  const at::Tensor v = at::tensor({4.0F, 8.0F}).view({1, 1, 2, 1});
  const at::Tensor found = graph::short_attention(q, k, v, std::nullopt, 1.0);
  CHECK(test::max_difference(found, at::full({1, 1, 2, 1}, 7.0F)) < 1e-6);
}

TEST_CASE("ShortAttention: what LibTorch gives, for all lengths, widths, masks and layouts", "[graph]") {
  const std::int64_t length = GENERATE(1, 5, 16, 17, 32, 33), width = GENERATE(3, 8, 32);
  const std::string kind = GENERATE("none", "added", "seen", "per query");
  at::manual_seed(1);
  // As a divided projection lies in memory: [N, L, 3, H, D].
  const at::Tensor whole = at::randn({3, length, 3, 2, width}) * 3;
  const auto part = [&](std::int64_t which) { return whole.select(2, which).transpose(1, 2); };
  std::optional<at::Tensor> mask;
  if (kind == "added") mask = at::randn({3, 1, 1, length});
  if (kind == "per query") mask = at::randn({3, 1, length, length});
  if (kind == "seen") {
    mask = at::rand({3, 1, 1, length}) > 0.5;
    mask->select(3, 0).fill_(true);
  }
  INFO(length << " x " << width << ", mask " << kind);
  const std::optional<double> scale = kind == "none" ? std::optional<double>(0.3) : std::nullopt;
  const at::Tensor found = graph::short_attention(part(0), part(1), part(2), mask, scale);
  const at::Tensor expected =
      at::scaled_dot_product_attention(part(0).contiguous(), part(1).contiguous(), part(2).contiguous(), mask, 0.0, false, scale);
  CHECK(found.sizes() == expected.sizes());
  CHECK(test::relative_difference(found, expected) < 5e-6);
  if (length <= 32) CHECK(found.transpose(1, 2).is_contiguous());
}

TEST_CASE("ShortAttention: in bfloat16 only inputs and results are rounded", "[graph]") {
  const std::int64_t length = GENERATE(1, 7, 16, 32), width = GENERATE(3, 16, 24, 32);
  at::manual_seed(1);
  const at::Tensor whole = at::randn({3, length, 3, 2, width}).to(at::kBFloat16), mask = at::randn({3, 1, 1, length});
  const auto part = [&](std::int64_t which) { return whole.select(2, which).transpose(1, 2); };
  const auto wide = [&](std::int64_t which) { return part(which).to(at::kFloat).contiguous(); };
  const at::Tensor found = graph::short_attention(part(0), part(1), part(2), mask, std::nullopt);
  const at::Tensor expected = at::scaled_dot_product_attention(wide(0), wide(1), wide(2), mask);
  CHECK(found.scalar_type() == at::kBFloat16);
  // Half a step of 8 bits, and what float's rounding moves across the middle between two numbers.
  CHECK(((found.to(at::kFloat) - expected).abs() <= expected.abs() * 0.00392 + 1e-6).all().item<bool>());
}

TEST_CASE("ShortAttention: longer sequences in bfloat16 go to LibTorch, with their mask", "[graph]") {
  at::manual_seed(1);
  const at::Tensor q = at::randn({2, 2, 40, 8}).to(at::kBFloat16), mask = at::randn({2, 1, 1, 40});
  const at::Tensor found = graph::short_attention(q, q, q, mask, std::nullopt), wide = q.to(at::kFloat);
  CHECK(test::relative_difference(found.to(at::kFloat), at::scaled_dot_product_attention(wide, wide, wide, mask)) < 2e-2);
}

TEST_CASE("ShortAttention: types that it has no kernel for go to LibTorch", "[graph]") {
  at::manual_seed(1);
  const at::Tensor q = at::randn({2, 2, 4, 8}, at::kDouble);
  CHECK(test::max_difference(graph::short_attention(q, q, q, std::nullopt, std::nullopt), at::scaled_dot_product_attention(q, q, q)) <
        1e-12);
}

TEST_CASE("ShortAttention: the same numbers with any number of threads", "[graph]") {
  at::manual_seed(1);
  const at::Tensor q = at::randn({64, 4, 20, 32});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor one = graph::short_attention(q, q, q, std::nullopt, std::nullopt);
  at::set_num_threads(threads);
  CHECK(one.equal(graph::short_attention(q, q, q, std::nullopt, std::nullopt)));
}
