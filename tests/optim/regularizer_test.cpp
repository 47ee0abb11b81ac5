#include "graft/optim/regularizer.h"

#include <ATen/ATen.h>

#include <cmath>

#include "support.h"

using namespace graft;

namespace {

at::Tensor leaf(const at::Tensor& values, const at::Tensor& gradient = {}) {
  at::Tensor parameter = values.clone().set_requires_grad(true);
  if (gradient.defined()) parameter.mutable_grad() = gradient.clone();
  return parameter;
}

at::Tensor doubles(const std::vector<double>& values) { return at::tensor(values, at::kDouble); }

void assign(const at::Tensor& tensor, const at::Tensor& value) {
  const c10::NoGradGuard no_grad;
  at::Tensor(tensor).copy_(value);
}

/// |w| instead of squares, to see that a user's own needs one function.
class Lasso : public Regularizer {
 public:
  at::Tensor add_gradient() override {
    at::Tensor penalty = at::zeros({}, at::kDouble);
    for (const auto& [name, parameter] : parameters()) {
      if (!parameter.grad().defined()) continue;
      parameter.mutable_grad().add_(parameter.detach().sign());
      penalty += parameter.detach().abs().sum();
    }
    return penalty;
  }
};

}  // namespace

TEST_CASE("L2Sp: the gradient is that of the penalty", "[optim]") {
  const auto [alpha, beta] = GENERATE(std::pair{0.3, 0.07}, std::pair{0.3, 0.0}, std::pair{0.0, 0.07}, std::pair{0.0, 0.0});
  const at::Tensor start = at::linspace(-1, 1, 6, at::kDouble).view({2, 3});
  const at::Tensor one = leaf(start), two = leaf(doubles({4})), head = leaf(doubles({1, -2})), other = leaf(doubles({0.5}));
  L2Sp penalty(alpha, beta);
  penalty.begin({{"backbone.one", one}, {"head.weight", head}, {"backbone.two", two}, {"backboneless", other}});
  assign(one, start * start + 0.2), assign(two, doubles({-1}));
  const std::vector<at::Tensor> parameters{one, two, head, other};

  const at::Tensor by_autograd =
      ((one - start).square().sum() + (two - 4).square().sum()) * (alpha / 2) + (head.square().sum() + other.square().sum()) * (beta / 2);
  by_autograd.backward();
  std::vector<at::Tensor> expected;
  for (const at::Tensor& parameter : parameters) {
    expected.push_back(parameter.grad() + 10);
    parameter.mutable_grad() = at::full_like(parameter, 10).detach();
  }
  const at::Tensor value = penalty.add_gradient();
  CHECK(value.dim() == 0);
  CHECK_FALSE(value.requires_grad());
  CHECK(value.item<double>() == Approx(by_autograd.item<double>()).epsilon(1e-14).margin(1e-15));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    CHECK(test::max_difference(parameters[i].grad(), expected[i]) < 1e-14);
    CHECK_FALSE(parameters[i].grad().requires_grad());
  }
}

TEST_CASE("L2Sp: a parameter without a gradient is left alone", "[optim]") {
  const at::Tensor moves = leaf(doubles({1})), rests = leaf(doubles({1})), head = leaf(doubles({1}));
  L2Sp penalty(2);
  CHECK(penalty.add_gradient().item<double>() == 0);
  penalty.begin({{"backbone.rests", rests}, {"backbone.moves", moves}, {"head.weight", head}});
  CHECK(penalty.add_gradient().item<double>() == 0);
  assign(moves, doubles({4})), assign(rests, doubles({4}));
  moves.mutable_grad() = doubles({0});
  CHECK(penalty.add_gradient().item<double>() == Approx(9));
  CHECK(moves.grad().item<double>() == Approx(6));
  CHECK_FALSE(rests.grad().defined());
  CHECK_FALSE(head.grad().defined());
}

TEST_CASE("L2Sp: training with a large alpha stays near the start, and the head shrinks", "[optim]") {
  // The minimum of (w - 5)^2 / 2 + alpha / 2 (w - 1)^2 is at (5 + alpha) / (1 + alpha), of (w - 5)^2 / 2 + beta / 2 w^2 at 5 / (1 + beta).
  const double alpha = GENERATE(0.0, 1.0, 99.0), beta = 1.5;
  const at::Tensor backbone = leaf(doubles({1})), head = leaf(doubles({1}));
  L2Sp penalty(alpha, beta);
  penalty.begin({{"backbone.w", backbone}, {"head.w", head}});
  for (int step = 0; step < 3000; ++step) {
    for (const at::Tensor& parameter : {backbone, head}) parameter.mutable_grad() = parameter.detach() - 5;
    penalty.add_gradient();
    for (const at::Tensor& parameter : {backbone, head}) assign(parameter, parameter.detach() - 0.01 * parameter.grad());
  }
  CHECK(backbone.item<double>() == Approx((5 + alpha) / (1 + alpha)));
  CHECK(head.item<double>() == Approx(5 / (1 + beta)));
}

TEST_CASE("L2Sp: a sparse gradient pulls the rows that it has", "[optim]") {
  const std::string name = GENERATE("backbone.table", "head.table");
  const at::Tensor start = at::arange(8, at::kDouble).view({4, 2});
  const at::Tensor table = leaf(start);
  L2Sp penalty(0.5, 0.5);
  penalty.begin({{name, table}});
  assign(table, start + 2);
  at::embedding(table, at::tensor({2, 0, 2}, at::kLong), -1, false, /*sparse=*/true).sum().backward();
  const at::Tensor value = penalty.add_gradient();
  REQUIRE(table.grad().is_sparse());
  const at::Tensor reads = doubles({1, 0, 2, 0}).unsqueeze(1), was_read = reads.sign();
  const at::Tensor distance = (name == "head.table" ? start + 2 : at::full({4, 2}, 2.0, at::kDouble)) * was_read;
  CHECK(test::max_difference(table.grad().to_dense(), distance * 0.5 + reads) < 1e-15);
  CHECK(value.item<double>() == Approx(distance.square().sum().item<double>() * 0.25));
}

TEST_CASE("L2Sp: begin again keeps the starts that it knows", "[optim]") {
  const at::Tensor first = leaf(doubles({1}));
  L2Sp penalty(1);
  penalty.begin({{"backbone.first", first}});
  assign(first, doubles({3}));
  const at::Tensor again = leaf(at::full({1}, 4.0), at::zeros({1})), second = leaf(at::full({1}, 10.0), at::zeros({1}));
  penalty.begin({{"backbone.second", second}});  // the first rests for a while
  penalty.begin({{"backbone.first", again}, {"backbone.second", second}});
  assign(second, at::full({1}, 12.0));
  CHECK(penalty.add_gradient().item<double>() == Approx((9 + 4) / 2.0));
  CHECK(again.grad().item<double>() == 3);
  CHECK(second.grad().item<double>() == 2);
  CHECK(penalty.state()["backbone.first"].scalar_type() == at::kFloat);
  CHECK_FALSE(first.grad().defined());
}

TEST_CASE("L2Sp: its state brings the starts to another run, before or after begin", "[optim]") {
  const bool before = GENERATE(true, false);
  const at::Tensor w = leaf(doubles({1, 2})), head = leaf(doubles({7}));
  L2Sp written(1);
  written.begin({{"backbone.w", w}, {"head.w", head}});
  assign(w, doubles({3, 5}));
  CHECK(written.state().names() == std::vector<std::string>{"backbone.w"});
  CHECK(written.state()["backbone.w"].equal(doubles({1, 2})));

  const at::Tensor resumed = leaf(w.detach(), doubles({0, 0}));  // the run goes on from [3, 5]
  const at::Tensor file = at::tensor({1.F, 2.F});
  const Fields state{{"backbone.w", before ? written.state()["backbone.w"].clone() : file}};
  L2Sp read(1);
  if (before) read.restore(state);
  read.begin({{"backbone.w", resumed}, {"head.w", head}});
  if (!before) read.restore(state);
  state["backbone.w"].fill_(50);  // it took copies
  CHECK(read.add_gradient().item<double>() == Approx((4 + 9) / 2.0));
  CHECK(resumed.grad().equal(doubles({2, 3})));
  CHECK(read.state()["backbone.w"].equal(doubles({1, 2})));
  CHECK(read.state()["backbone.w"].scalar_type() == at::kDouble);
}

TEST_CASE("Regularizer: one of your own needs a gradient only", "[optim]") {
  const at::Tensor w = leaf(doubles({3, -2}), doubles({1, 1})), rests = leaf(doubles({5}));
  Lasso lasso;
  Regularizer& regularizer = lasso;
  regularizer.begin({{"w", w}, {"rests", rests}});
  CHECK(regularizer.add_gradient().item<double>() == 5);
  CHECK(w.grad().equal(doubles({2, 0})));
  CHECK(regularizer.state().empty());
  regularizer.restore({});
  const auto error = test::error_of<CheckpointError>([&] { regularizer.restore({{"backbone.w", w}}); });
  CHECK(error.code() == "graft-K022");
  CHECK(error.message() == R"([Regularizer] nothing is kept here, but the state holds "backbone.w".)");
}

TEST_CASE("L2Sp says what is wrong", "[optim][error]") {
  for (const auto& [alpha, beta] : {std::pair{-1.0, 0.0}, std::pair{0.0, -1.0}}) {
    const auto error = test::error_of<ConfigError>([&, a = alpha, b = beta] { L2Sp(a, b); });
    CHECK(error.code() == "graft-C040");
    CHECK(error.message() == "[L2Sp] strengths of at least 0 are wanted, got -1.000000.");
  }
  test::error_of<ConfigError>([] { L2Sp(std::nan("")); });

  const at::Tensor w = leaf(doubles({1, 2}), doubles({0, 0}));
  L2Sp penalty(1);
  penalty.begin({{"backbone.w", w}});
  const auto message = [](auto call) {
    const auto error = test::error_of<CheckpointError>(call);
    CHECK(error.code() == "graft-K022");
    return error.message();
  };
  const std::string shapes = R"([L2Sp] the start of "backbone.w" is [3], the parameter [2].)";
  CHECK(message([&] { penalty.restore({{"backbone.w", doubles({1, 2, 3})}}); }) == shapes);
  CHECK(message([&] { penalty.restore({{"backbone.v", doubles({1, 2})}}); }) == R"([L2Sp] the state lacks the start of "backbone.w".)");
  CHECK(message([&] {
          penalty.restore({{"head.w", doubles({1})}, {"backbone.w", doubles({1, 2})}});
        }) == R"([L2Sp] starts of the backbone alone are wanted, the state holds "head.w".)");
  CHECK(message([&] {
          penalty.begin({{"backbone.w", leaf(doubles({1}))}});
        }) == R"([L2Sp] the start of "backbone.w" is [2], the parameter [1].)");
  assign(w, doubles({2, 2}));
  CHECK(penalty.add_gradient().item<double>() == Approx(0.5));  // nothing has changed
}
