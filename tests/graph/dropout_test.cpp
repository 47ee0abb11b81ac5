#include "graph/dropout.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cmath>

#include "support.h"

using namespace graft;

namespace {

/// The distinct values, in order.
std::vector<double> values_of(const at::Tensor& x) {
  const at::Tensor values = std::get<0>(at::_unique(x.to(at::kDouble))).contiguous();
  return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

/// What p comes to in 16 bits.
double scale_of(double p) { return 65536 / (65536 - std::round(p * 65536)); }

double tolerance_of(at::ScalarType type) { return type == at::kDouble ? 1e-15 : type == at::kFloat ? 1e-7 : 4e-3; }

}  // namespace

TEST_CASE("Dropout: as many numbers as wanted are dropped, the others keep the mean", "[graph]") {
  const double p = GENERATE(0.1, 0.5, 0.9);
  at::manual_seed(1);
  const std::int64_t count = 300001;  // no multiple of 4
  const at::Tensor y = graph::dropout(at::ones({count}), p);
  const auto values = values_of(y);
  REQUIRE(values.size() == 2);
  CHECK(values[0] == 0);
  CHECK(values[1] == Approx(1 / (1 - p)).epsilon(1e-4));
  // Five standard deviations of a binomial.
  const double share = y.eq(0).to(at::kDouble).mean().item<double>();
  CHECK(std::abs(share - p) < 5 * std::sqrt(p * (1 - p) / static_cast<double>(count)));
}

TEST_CASE("Dropout: what is dropped tells nothing of its neighbours, which share a word", "[graph]") {
  const double p = 0.3;
  at::manual_seed(1);
  const std::int64_t count = 300000;
  const at::Tensor kept = graph::dropout(at::ones({count}), p).ne(0).to(at::kDouble) - (1 - p);
  const std::int64_t lag = GENERATE(1, 2, 3, 4, 16384);
  const double together = (kept.narrow(0, 0, count - lag) * kept.narrow(0, lag, count - lag)).mean().item<double>();
  CHECK(std::abs(together) < 5 * p * (1 - p) / std::sqrt(static_cast<double>(count)));
  // Each of the four places in a word drops its share.
  const at::Tensor by_place = kept.view({count / 4, 4}).mean(0);
  CHECK(by_place.abs().max().item<double>() < 5 * std::sqrt(p * (1 - p) / static_cast<double>(count / 4)));
}

TEST_CASE("Dropout: the scale is exact, in every type", "[graph]") {
  const at::ScalarType type = GENERATE(at::kFloat, at::kDouble, at::kBFloat16, at::kHalf);
  const double p = GENERATE(0.1, 0.3, 0.5);
  at::manual_seed(1);
  const at::Tensor y = graph::dropout(at::ones({1001}, type), p);
  CHECK(y.scalar_type() == type);
  const auto values = values_of(y);
  REQUIRE(values.size() == 2);
  CHECK(values[1] == Approx(scale_of(p)).epsilon(tolerance_of(type)));
}

TEST_CASE("Dropout: the gradient passes where numbers did, by the same scale", "[graph]") {
  const at::ScalarType type = GENERATE(at::kFloat, at::kDouble, at::kBFloat16);
  at::manual_seed(1);
  const at::Tensor x = (at::rand({63, 9}) + 1).to(type).requires_grad_(true), weight = at::randn({63, 9}).to(type);
  const at::Tensor y = graph::dropout(x, 0.25);
  (y * weight).sum().backward();
  const at::Tensor mask = y.detach().ne(0);
  CHECK(test::max_difference(y.detach(), (x.detach() * mask).to(at::kDouble) * scale_of(0.25)) < 6 * tolerance_of(type));
  CHECK(test::max_difference(x.grad(), (weight * mask).to(at::kDouble) * scale_of(0.25)) < 6 * tolerance_of(type));
  CHECK(x.grad().scalar_type() == type);
}

TEST_CASE("Dropout: the seed decides, and each call draws anew", "[graph]") {
  const at::Tensor x = at::ones({5, 3, 20}, at::kDouble);
  at::manual_seed(3);
  const at::Tensor first = graph::dropout(x, 0.5), second = graph::dropout(x, 0.5);
  at::manual_seed(3);
  CHECK(graph::dropout(x, 0.5).equal(first));
  CHECK(graph::dropout(x, 0.5).equal(second));
  CHECK_FALSE(first.equal(second));
  at::manual_seed(4);
  CHECK_FALSE(graph::dropout(x, 0.5).equal(first));
  CHECK(first.sizes() == x.sizes());
}

TEST_CASE("Dropout: the number of threads does not matter", "[graph]") {
  const int before = at::get_num_threads();
  const auto pass = [](int threads) {
    at::set_num_threads(threads);
    at::manual_seed(3);
    const at::Tensor x = at::ones({300001}).requires_grad_(true);
    const at::Tensor y = graph::dropout(x, 0.5);
    y.sum().backward();
    CHECK(x.grad().equal(y.detach()));
    return y.detach();
  };
  const at::Tensor one = pass(1);
  const bool same = pass(2).equal(one) && pass(3).equal(one);
  at::set_num_threads(before);
  CHECK(same);
}

TEST_CASE("Dropout: values that do not lie one after the other are dropped by their place in the tensor", "[graph]") {
  const at::Tensor x = at::rand({40, 30}) + 1;
  at::manual_seed(3);
  const at::Tensor expected = graph::dropout(x, 0.5);
  const at::Tensor turned = x.t().contiguous().t().requires_grad_(true);
  REQUIRE_FALSE(turned.is_contiguous());
  at::manual_seed(3);
  const at::Tensor y = graph::dropout(turned, 0.5);
  CHECK(y.detach().equal(expected));
  y.t().sum().backward();  // a gradient that lies otherwise as well
  CHECK(turned.grad().equal(expected.ne(0) * 2.0));
}

TEST_CASE("Dropout: all or nothing", "[graph]") {
  const at::Tensor x = at::ones({4});
  CHECK(graph::dropout(x, 0).equal(x));
  CHECK(graph::dropout(x, 1).equal(at::zeros({4})));
  CHECK(graph::dropout(at::ones({0, 3}), 0.5).sizes() == at::IntArrayRef{0, 3});
  for (const std::int64_t count : {1, 2, 3, 5, 7}) CHECK(graph::dropout(at::ones({count}), 0.5).numel() == count);
}

TEST_CASE("Dropout: inputs stay as they are", "[graph]") {
  const at::Tensor x = at::rand({100}), before = x.clone();
  graph::dropout(x, 0.5);
  CHECK(x.equal(before));
}
