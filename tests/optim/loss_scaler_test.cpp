#include "graft/optim/loss_scaler.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "support.h"

using namespace graft;

namespace {

const float kInfinity = std::numeric_limits<float>::infinity();

at::Tensor leaf(const at::Tensor& values, const at::Tensor& gradient = {}) {
  at::Tensor parameter = values.clone().set_requires_grad(true);
  if (gradient.defined()) parameter.mutable_grad() = gradient.clone();
  return parameter;
}

/// One step whose gradient is finite or not.
void step(LossScaler& scaler, bool finite) {
  CHECK(scaler.unscale({leaf(at::zeros({2}), at::tensor({1.F, finite ? 2.F : kInfinity}))}) == finite);
  scaler.update();
}

const LossScalerOptions kQuick{.init_scale = 8, .growth = 2, .backoff = 0.5, .growth_interval = 3};

}  // namespace

TEST_CASE("LossScaler: the scale grows after so many finite steps in a row, and backs off at once", "[optim]") {
  LossScaler scaler(kQuick);
  const std::vector<std::pair<bool, double>> steps{{true, 8}, {true, 8}, {true, 16}, {true, 16}, {true, 16}, {false, 8},
                                                   {true, 8}, {true, 8}, {false, 4}, {false, 2}, {true, 2},  {true, 2},
                                                   {true, 4}, {true, 4}, {true, 4},  {true, 8}};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    INFO("step " << i);
    step(scaler, steps[i].first);
    CHECK(scaler.current() == steps[i].second);
  }
}

TEST_CASE("LossScaler: the defaults are torch.amp.GradScaler's", "[optim]") {
  LossScaler scaler;
  CHECK(scaler.current() == 65536);
  for (int i = 0; i < 1999; ++i) step(scaler, true);
  CHECK(scaler.current() == 65536);
  step(scaler, true);
  CHECK(scaler.current() == 131072);
  step(scaler, false);
  CHECK(scaler.current() == 65536);
}

TEST_CASE("LossScaler: gradients are the same with and without it", "[optim]") {
  const at::Tensor x = at::linspace(-1, 1, 12).view({4, 3});
  const auto gradients = [&](LossScaler* scaler) {
    const std::vector<at::Tensor> weights{leaf(at::linspace(-1, 2, 6).view({3, 2})), leaf(at::ones({2}, at::kDouble))};
    const at::Tensor loss = (x.mm(weights[0]).tanh() * weights[1]).square().mean();
    (scaler != nullptr ? scaler->scale(loss) : loss).backward();
    if (scaler != nullptr) {
      CHECK_FALSE(weights[0].grad().equal(weights[0].grad() / scaler->current()));
      CHECK(scaler->unscale(weights));
    }
    return std::vector<at::Tensor>{weights[0].grad(), weights[1].grad()};
  };
  LossScaler scaler;
  const auto with = gradients(&scaler), without = gradients(nullptr);
  for (std::size_t i = 0; i < with.size(); ++i) CHECK(with[i].equal(without[i]));  // a power of two loses nothing
}

TEST_CASE("LossScaler: a gradient too small for float16 survives", "[optim]") {
  const auto gradient = [](LossScaler* scaler) {
    const at::Tensor weight = leaf(at::ones({2}));
    const at::Tensor loss = (weight.to(at::kHalf).to(at::kFloat) * 1e-8).sum();
    (scaler != nullptr ? scaler->scale(loss) : loss).backward();
    if (scaler != nullptr) CHECK(scaler->unscale({weight}));
    return weight.grad()[0].item<double>();
  };
  LossScaler scaler;
  CHECK(gradient(nullptr) == 0);
  CHECK(gradient(&scaler) == Approx(1e-8).epsilon(1e-3));
}

TEST_CASE("LossScaler: a loss in float16 does not overflow by its scale", "[optim]") {
  const at::Tensor scaled = LossScaler().scale(at::scalar_tensor(2.0, at::kHalf));
  CHECK(scaled.item<double>() == 131072);
}

TEST_CASE("LossScaler: a gradient that is not finite leaves parameters alone, if the caller skips the step", "[optim]") {
  const float bad = GENERATE(std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(), std::nanf(""));
  const at::Tensor first = leaf(at::ones({3}), at::ones({3})), second = leaf(at::ones({2}), at::tensor({1.F, bad})),
                   frozen = leaf(at::ones({2})), third = leaf(at::ones({1}, at::kDouble), at::ones({1}, at::kDouble));
  const std::vector<at::Tensor> parameters{first, second, frozen, third};
  LossScaler scaler;
  const auto train = [&] {
    const bool finite = scaler.unscale(parameters);
    scaler.update();
    if (!finite) return;
    const c10::NoGradGuard no_grad;
    for (at::Tensor parameter : parameters) {
      if (parameter.grad().defined()) parameter.sub_(parameter.grad());
    }
  };
  train();
  for (const at::Tensor& parameter : parameters) CHECK((parameter == 1).all().item<bool>());
  CHECK(scaler.current() == 32768);
  second.mutable_grad() = at::ones({2});
  train();
  CHECK(second.detach().equal(at::full({2}, 1 - 1.F / 32768)));
  CHECK(scaler.current() == 32768);
}

TEST_CASE("LossScaler: one bad gradient among several calls in a step is one backoff", "[optim]") {
  LossScaler scaler(kQuick);
  const at::Tensor good = leaf(at::ones({1}), at::ones({1})), bad = leaf(at::ones({1}), at::full({1}, kInfinity));
  CHECK_FALSE(scaler.unscale({bad}));
  CHECK(scaler.unscale({good}));
  scaler.update();
  CHECK(scaler.current() == 4);
  scaler.update();  // nothing new was found
  CHECK(scaler.state() == Json{{"scale", 4.0}, {"growth_tracker", 0}});
}

TEST_CASE("LossScaler: a sparse gradient stays sparse", "[optim]") {
  const at::Tensor table = leaf(at::ones({4, 2}));
  LossScaler scaler;
  scaler.scale(at::embedding(table, at::tensor({2, 0, 2}, at::kLong), -1, false, /*sparse=*/true).sum()).backward();
  CHECK(scaler.unscale({table}));
  REQUIRE(table.grad().is_sparse());
  CHECK(table.grad().to_dense().equal(at::tensor({1.F, 0.F, 2.F, 0.F}).unsqueeze(1).expand({4, 2})));
}

TEST_CASE("LossScaler: one that was restored goes on as if never stopped", "[optim]") {
  const std::vector<bool> course{true, true, false, true, true, true, true, false, true, true, true};
  // A scale that is no power of two and not a short decimal.
  const LossScalerOptions options{.init_scale = 1000, .growth = 1.7, .backoff = 0.3, .growth_interval = 3};
  for (std::size_t stop = 0; stop < course.size(); ++stop) {
    LossScaler unbroken(options), first(options), second(options);
    for (std::size_t i = 0; i < stop; ++i) step(unbroken, course[i]), step(first, course[i]);
    second.restore(Json::parse(first.state().dump()));
    for (std::size_t i = stop; i < course.size(); ++i) {
      step(unbroken, course[i]), step(second, course[i]);
      CHECK(second.current() == unbroken.current());
      CHECK(second.state() == unbroken.state());
    }
  }
}

TEST_CASE("LossScaler says what is wrong with its options and its state", "[optim][error]") {
  const auto message = [](const LossScalerOptions& options) {
    const auto error = test::error_of<ConfigError>([&] { LossScaler{options}; });
    CHECK(error.code() == "graft-C039");
    return error.message();
  };
  CHECK(message({.init_scale = 0}) == "[LossScaler] a finite first scale above 0 is wanted, got 0.000000.");
  CHECK(message({.init_scale = std::nan("")}).starts_with("[LossScaler] a finite first scale"));
  CHECK(message({.init_scale = 1e60}).starts_with("[LossScaler] a finite first scale"));
  CHECK(message({.growth = 0.5}) == "[LossScaler] a growth of at least 1 is wanted, got 0.500000.");
  CHECK(message({.backoff = 1}) == "[LossScaler] a backoff in (0, 1) is wanted, got 1.000000.");
  CHECK(message({.backoff = 0}) == "[LossScaler] a backoff in (0, 1) is wanted, got 0.000000.");
  CHECK(message({.growth_interval = 0}) == "[LossScaler] a growth interval of at least 1 step is wanted, got 0.");

  LossScaler scaler(kQuick);
  step(scaler, true);
  const Json before = scaler.state();
  for (const Json& state : {Json::object(), Json(3), Json{{"scale", 8}}, Json{{"scale", -1}, {"growth_tracker", 0}},
                            Json{{"scale", 1e60}, {"growth_tracker", 0}}, Json{{"scale", "8"}, {"growth_tracker", 0}},
                            Json{{"scale", 8}, {"growth_tracker", 3}}, Json{{"scale", 8}, {"growth_tracker", 0.5}}}) {
    const auto error = test::error_of<CheckpointError>([&] { scaler.restore(state); });
    CHECK(error.code() == "graft-K022");
    CHECK(error.message() ==
          "[LossScaler] a \"scale\" above 0 and a \"growth_tracker\" below the growth interval of 3 are wanted, got " + state.dump() + ".");
    CHECK(scaler.state() == before);
  }
}
