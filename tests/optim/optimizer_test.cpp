#include "graft/optim/optimizer.h"

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

std::vector<at::Tensor> tensors_of(const Json& list) {
  std::vector<at::Tensor> tensors;
  for (const Json& each : list) tensors.push_back(test::tensor_of(each, at::kDouble));
  return tensors;
}

Optimizer make(const Json& run, std::vector<at::Tensor> parameters) {
  std::vector<ParameterGroup> groups{{std::move(parameters), run.at("lr"), run.at("weight_decay")}};
  if (run.contains("momentum")) return Optimizer::sgd(std::move(groups), {.momentum = run.at("momentum"), .nesterov = run.at("nesterov")});
  return Optimizer::adamw(std::move(groups), {.beta1 = run.at("betas").at(0), .beta2 = run.at("betas").at(1), .epsilon = run.at("eps")});
}

}  // namespace

TEST_CASE("Optimizer: five steps in float64 are PyTorch's", "[optim]") {
  const std::string name = GENERATE("adamw", "adamw_no_decay", "sgd", "sgd_momentum", "sgd_nesterov");
  const Json golden = test::golden("optimizers.json");
  const Json& run = golden.at("runs").at(name);
  std::vector<at::Tensor> parameters;
  for (const at::Tensor& start : tensors_of(golden.at("start"))) parameters.push_back(leaf(start));
  Optimizer optimizer = make(run, parameters);
  for (std::size_t step = 0; step < 5; ++step) {
    INFO(name << ", step " << step);
    const auto gradients = tensors_of(golden.at("gradients").at(step)), expected = tensors_of(run.at("after").at(step));
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].mutable_grad() = gradients[i];
    optimizer.step();
    for (std::size_t i = 0; i < parameters.size(); ++i) CHECK(test::max_difference(parameters[i].detach(), expected[i]) < 1e-12);
  }
}

TEST_CASE("Optimizer: in float32 the steps are the same to its precision", "[optim]") {
  const std::string name = GENERATE("adamw", "sgd_nesterov");
  const Json golden = test::golden("optimizers.json");
  const Json& run = golden.at("runs").at(name);
  std::vector<at::Tensor> parameters;
  for (const at::Tensor& start : tensors_of(golden.at("start"))) parameters.push_back(leaf(start.to(at::kFloat)));
  Optimizer optimizer = make(run, parameters);
  for (std::size_t step = 0; step < 5; ++step) {
    const auto gradients = tensors_of(golden.at("gradients").at(step));
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].mutable_grad() = gradients[i].to(at::kFloat);
    optimizer.step();
  }
  const auto expected = tensors_of(run.at("after").at(4));
  for (std::size_t i = 0; i < parameters.size(); ++i) CHECK(test::max_difference(parameters[i].detach(), expected[i]) < 2e-6);
}

TEST_CASE("Optimizer: each group has its own rate and decay", "[optim]") {
  const at::Tensor fast = leaf(doubles({1}), doubles({2})), slow = leaf(doubles({1}), doubles({2}));
  Optimizer optimizer = Optimizer::sgd({{{fast}, 0.1, 0.0}, {{slow}, 0.01, 0.5}}, {.momentum = 0});
  optimizer.step();
  CHECK(fast.item<double>() == Approx(1 - 0.1 * 2));
  CHECK(slow.item<double>() == Approx(1 - 0.01 * (2 + 0.5 * 1)));
  REQUIRE(optimizer.groups().size() == 2);
  CHECK(optimizer.groups()[1].lr == 0.01);
}

TEST_CASE("Optimizer: the factor of a step scales every rate, for that step alone", "[optim]") {
  const at::Tensor a = leaf(doubles({1}), doubles({1})), b = leaf(doubles({1}), doubles({1}));
  Optimizer optimizer = Optimizer::sgd({{{a}, 0.1}, {{b}, 0.2}}, {.momentum = 0});
  optimizer.step(0.5);
  CHECK(a.item<double>() == Approx(0.95));
  CHECK(b.item<double>() == Approx(0.9));
  optimizer.step();
  CHECK(a.item<double>() == Approx(0.85));
  const at::Tensor c = leaf(doubles({1}), doubles({3}));
  Optimizer::adamw({{{c}, 0.1, 0.5}}).step(0.1);  // the first AdamW step is the rate itself; decay is scaled by it too
  CHECK(c.item<double>() == Approx(1 * (1 - 0.01 * 0.5) - 0.01));
}

TEST_CASE("Optimizer: a parameter without a gradient is left alone, decay and momentum too", "[optim]") {
  const bool adam = GENERATE(true, false);
  const at::Tensor with = leaf(doubles({1, 2}), doubles({1, 1})), without = leaf(doubles({1, 2}));
  std::vector<ParameterGroup> groups{{{without, with}, 0.1, 0.5}};
  Optimizer optimizer = adam ? Optimizer::adamw(groups) : Optimizer::sgd(groups);
  optimizer.step();
  optimizer.step();
  CHECK(without.equal(doubles({1, 2})));
  CHECK_FALSE(with.equal(doubles({1, 2})));
  // steps count for each parameter: one that starts late takes the same first step
  with.mutable_grad().reset();
  without.mutable_grad() = doubles({1, 1});
  const at::Tensor fresh = leaf(doubles({1, 2}), doubles({1, 1}));
  std::vector<ParameterGroup> fresh_group{{{fresh}, 0.1, 0.5}};
  (adam ? Optimizer::adamw(fresh_group) : Optimizer::sgd(fresh_group)).step();
  const at::Tensor before = with.detach().clone();
  optimizer.step();
  CHECK(test::max_difference(without.detach(), fresh.detach()) < 1e-15);
  CHECK(with.equal(before));
}

TEST_CASE("Optimizer: steps are made outside autograd, and zero_grad drops gradients", "[optim]") {
  const at::Tensor x = leaf(doubles({1}), doubles({1}));
  Optimizer optimizer = Optimizer::sgd({{{x}, 0.1}});
  optimizer.step();
  CHECK(x.requires_grad());
  CHECK_FALSE(x.grad_fn());
  optimizer.zero_grad();
  CHECK_FALSE(x.grad().defined());
  const double before = x.item<double>();
  optimizer.step();
  CHECK(x.item<double>() == before);
}

TEST_CASE("Optimizer: a gradient that moves from one parameter to another steps the other", "[optim]") {
  const at::Tensor a = leaf(doubles({1})), b = leaf(doubles({1})), gradient = doubles({2});
  Optimizer optimizer = Optimizer::sgd({{{a, b}, 0.1}}, {.momentum = 0});
  a.mutable_grad() = gradient;
  optimizer.step();
  a.mutable_grad().reset();
  b.mutable_grad() = gradient;
  optimizer.step();
  CHECK(a.item<double>() == Approx(0.8));
  CHECK(b.item<double>() == Approx(0.8));
}

TEST_CASE("Optimizer: one that was moved goes on with its moments", "[optim]") {
  const at::Tensor x = leaf(doubles({1}), doubles({1})), y = leaf(doubles({1}), doubles({1}));
  Optimizer stays = Optimizer::sgd({{{x}, 0.1}}), first = Optimizer::sgd({{{y}, 0.1}});
  stays.step();
  first.step();
  Optimizer second = std::move(first);
  stays.step();
  second.step();
  CHECK(x.item<double>() == Approx(1 - 0.1 - 0.1 * 1.9));
  CHECK(y.item<double>() == x.item<double>());
}

TEST_CASE("Optimizer: Lion's steps are those of its paper", "[optim]") {
  const double lr = 0.1, decay = 0.5, beta1 = 0.8, beta2 = 0.6;
  // The third gradient is against the momentum: beta1 lets the old direction win, then the new one.
  const std::vector<double> gradients{2.0, -0.5, -3.0};
  const at::Tensor x = leaf(doubles({1.5}));
  Optimizer optimizer = Optimizer::lion({{{x}, lr, decay}}, {.beta1 = beta1, .beta2 = beta2});
  CHECK(optimizer.kind() == "Lion");
  double w = 1.5, m = 0;
  std::vector<double> signs;
  for (const double g : gradients) {
    const double c = beta1 * m + (1 - beta1) * g;
    signs.push_back(c > 0 ? 1 : -1);
    w -= lr * (signs.back() + decay * w);
    m = beta2 * m + (1 - beta2) * g;
    x.mutable_grad() = doubles({g});
    optimizer.step();
    CHECK(x.item<double>() == Approx(w).epsilon(1e-14));
  }
  CHECK(signs == std::vector<double>{1, 1, -1});
  CHECK(optimizer.state()["0.0/momentum"].item<double>() == Approx(m).epsilon(1e-14));
}

TEST_CASE("Optimizer says what is wrong with its options", "[optim][error]") {
  const auto x = leaf(doubles({1}));
  const auto message = [](auto call) {
    const auto error = test::error_of<ConfigError>(call);
    CHECK(error.code() == "graft-C015");
    CHECK(error.remedy() == "Correct the option; the header gives its range.");
    return error.message();
  };
  CHECK(message([&] { Optimizer::adamw({{{x}, -1}}); }) == "[Optimizer] a learning rate of at least 0 is wanted, got -1.000000.");
  CHECK(message([&] { Optimizer::adamw({{{x}, std::nan("")}}); }).starts_with("[Optimizer] a learning rate of at least 0 is wanted"));
  CHECK(message([&] { Optimizer::sgd({{{x}, 0.1, -0.5}}); }) == "[Optimizer] a weight decay of at least 0 is wanted, got -0.500000.");
  CHECK(message([&] { Optimizer::adamw({{{x}}}, {.beta1 = 1}); }) == "[Optimizer] betas in [0, 1) are wanted, got 1.000000.");
  CHECK(message([&] { Optimizer::adamw({{{x}}}, {.beta2 = -0.1}); }) == "[Optimizer] betas in [0, 1) are wanted, got -0.100000.");
  CHECK(message([&] { Optimizer::sgd({{{x}}}, {.momentum = 1}); }) == "[Optimizer] momentum in [0, 1) is wanted, got 1.000000.");
  CHECK(message([&] { Optimizer::sgd({{{x}}}, {.momentum = 0, .nesterov = true}); }) == "[Optimizer] Nesterov's rule needs momentum.");
  CHECK(message([&] { Optimizer::lion({{{x}}}, {.beta2 = 1}); }) == "[Optimizer] betas in [0, 1) are wanted, got 1.000000.");
  CHECK(message([&] {
          Optimizer::sgd({{.parameters = {x, x}, .names = {"x"}}});
        }) == "[Optimizer] one name for each parameter of a group is wanted.");
  const std::string leaves = "[Optimizer] leaf tensors of one type and device in a group are wanted.";
  CHECK(message([&] { Optimizer::sgd({{{x, leaf(at::ones({1}))}}}); }) == leaves);
  CHECK(message([&] { Optimizer::sgd({{{x * 2}}}); }) == leaves);
}
