// Multiply-adds by hand.
#include "graph/work.h"

#include "support.h"

using namespace graft;

TEST_CASE("Work: products, convolutions and attention by their shapes", "[graph]") {
  const c10::NoGradGuard no_grad;
  const at::Tensor x = at::randn({5, 7, 8}), w = at::randn({3, 8}), b = at::randn({3});
  CHECK(graph::multiply_adds([&] { at::linear(x, w, b); }) == 5 * 7 * 8 * 3);
  CHECK(graph::multiply_adds([&] { at::linear(x, w); }) == 5 * 7 * 8 * 3);
  CHECK(graph::multiply_adds([&] { at::matmul(x, x.transpose(1, 2)); }) == 5 * 7 * 8 * 7);
  // Output 6 x 6, each from 4 / 2 input channels and 3 x 3 places.
  CHECK(graph::multiply_adds([&] {
          at::convolution(at::randn({2, 4, 8, 8}), at::randn({10, 2, 3, 3}), {}, {1, 1}, {0, 0}, {1, 1}, false, {0, 0}, 2);
        }) == 2 * 10 * 6 * 6 * 2 * 9);
  CHECK(graph::multiply_adds([&] { at::conv1d(at::randn({2, 4, 8}), at::randn({10, 4, 3})); }) == 2 * 10 * 6 * 4 * 3);
  // Each of 4 x 4 inputs is spread over 2 x 2 places of 5 channels.
  CHECK(graph::multiply_adds([&] { at::conv_transpose2d(at::randn({1, 3, 4, 4}), at::randn({3, 5, 2, 2})); }) == 3 * 16 * 5 * 4);
  const at::Tensor q = at::randn({2, 3, 5, 4});
  CHECK(graph::multiply_adds([&] { at::scaled_dot_product_attention(q, q, q); }) == 2 * (2 * 3 * 5 * 5 * 4));
  CHECK(graph::multiply_adds([&] { x.add(1).relu(); }) == 0);
}

TEST_CASE("Work: an exception ends the count and goes on", "[graph][error]") {
  CHECK_THROWS(graph::multiply_adds([] { at::matmul(at::ones({2, 3}), at::ones({2, 3})); }));
  CHECK(graph::multiply_adds([] {}) == 0);
}
