#include "graft/optim/ema.h"

#include <ATen/ATen.h>

#include <cmath>

#include "support.h"

using namespace graft;

namespace {

at::Tensor doubles(const std::vector<double>& values) { return at::tensor(values, at::kDouble); }

at::Tensor leaf(const at::Tensor& values) { return values.clone().set_requires_grad(true); }

void assign(const at::Tensor& tensor, const at::Tensor& value) {
  const c10::NoGradGuard no_grad;
  at::Tensor(tensor).copy_(value);
}

/// A step of a course that never repeats.
void move(const at::Tensor& tensor, int step) { assign(tensor, tensor.detach() * 0.9 + std::sin(step)); }

}  // namespace

TEST_CASE("Ema: averages follow the values at the rate of the decay, after a warm-up", "[optim]") {
  const double decay = 0.3;
  const at::Tensor a = leaf(doubles({1, -2})), b = doubles({{5}});
  Ema ema(decay);
  ema.follow({{"a", a}, {"b", b}});
  double average_a = 1, average_b = 5;
  for (int t = 0; t < 8; ++t) {
    INFO("update " << t);
    move(a, t), move(b, t + 5);
    ema.update();
    const double rate = 1 - std::min(decay, (1.0 + t) / (10.0 + t));  // 0.1, 0.1818, 0.25, 0.3, ...
    average_a += rate * (a.detach()[0].item<double>() - average_a);
    average_b += rate * (b[0].item<double>() - average_b);
    const Fields state = ema.state();
    CHECK(state["a"][0].item<double>() == Approx(average_a).epsilon(1e-14));
    CHECK(state["b"][0].item<double>() == Approx(average_b).epsilon(1e-14));
    CHECK(state["updates"].item<std::int64_t>() == t + 1);
    CHECK(ema.updates() == t + 1);
    CHECK_FALSE(state["a"].requires_grad());
  }
}

TEST_CASE("Ema: a decay of a half weighs old values by its powers once it is warm", "[optim]") {
  const at::Tensor x = doubles({0});
  Ema ema(0.5);
  ema.follow({{"x", x}});
  for (int i = 0; i < 8; ++i) ema.update();  // (1 + 8) / (10 + 8) is a half
  assign(x, doubles({16}));
  for (const double expected : {8, 12, 14, 15}) {
    ema.update();
    CHECK(ema.state()["x"].item<double>() == expected);
  }
}

TEST_CASE("Ema: swapping twice is the identity to the bit", "[optim]") {
  const at::Tensor a = leaf(at::linspace(-3, 5, 7)), b = at::full({2, 2}, 1 / 3.0, at::kDouble), n = at::tensor({4}, at::kLong);
  Ema ema(0.9);
  ema.follow({{"n", n}, {"a", a}, {"b", b}});
  for (int t = 0; t < 3; ++t) move(a, t), move(b, t), assign(n, n + 1), ema.update();
  move(a, 9), move(b, 9), assign(n, n + 1);
  const std::vector<at::Tensor> live{a.detach().clone(), b.clone(), n.clone()};
  const Fields shared = ema.state();
  const std::vector<at::Tensor> averages{shared["a"].clone(), shared["b"].clone(), shared["n"].clone()};
  const void* memory = a.data_ptr();
  {
    const AveragedValues averaged(ema);
    CHECK(a.detach().equal(averages[0]));
    CHECK(b.equal(averages[1]));
    CHECK(n.equal(averages[2]));
    CHECK_FALSE(a.detach().equal(live[0]));
    CHECK(ema.state()["a"].equal(averages[0]));  // a checkpoint that is written meanwhile
    CHECK_FALSE(ema.state()["a"].requires_grad());
  }
  CHECK(a.detach().equal(live[0]));
  CHECK(b.equal(live[1]));
  CHECK(n.equal(live[2]));
  CHECK(a.data_ptr() == memory);
  CHECK(a.requires_grad());
  CHECK(ema.state()["a"].equal(averages[0]));
  CHECK(ema.state()["b"].equal(averages[1]));
}

TEST_CASE("Ema: tensors that share memory come back right too", "[optim]") {
  const at::Tensor flat = doubles({1, 2, 3}), tied = flat.view({3});
  Ema ema(0.9);
  ema.follow({{"flat", flat}, {"tied", tied}});
  assign(flat, doubles({4, 5, 6}));
  ema.update();
  const at::Tensor average = ema.state()["flat"].clone();
  { const AveragedValues averaged(ema); }
  CHECK(flat.equal(doubles({4, 5, 6})));
  CHECK(ema.state()["flat"].equal(average));
  CHECK(ema.state()["tied"].equal(average));
}

TEST_CASE("Ema: integers are copied", "[optim]") {
  const at::Tensor count = at::tensor({1}, at::kLong);
  Ema ema(0.9);
  ema.follow({{"count", count}});
  assign(count, at::tensor({7}, at::kLong));
  ema.update();
  CHECK(ema.state()["count"].item<std::int64_t>() == 7);
}

TEST_CASE("Ema: a tensor made anew keeps the average of its name, a new name starts at its value", "[optim]") {
  const at::Tensor a = doubles({1}), gone = doubles({9}), grows = doubles({1});
  Ema ema(0.5);
  ema.follow({{"a", a}, {"gone", gone}, {"grows", grows}});
  assign(a, doubles({2}));
  ema.update();  // 1 + 0.9 * (2 - 1)
  const at::Tensor again = at::full({1}, 100.0, at::kFloat), fresh = doubles({7});
  ema.follow({{"fresh", fresh}, {"a", again}, {"grows", doubles({3, 4})}});
  const Fields state = ema.state();
  CHECK(state.names() == std::vector<std::string>{"fresh", "a", "grows", "updates"});
  CHECK(state["a"].item<double>() == Approx(1.9));
  CHECK(state["a"].scalar_type() == at::kFloat);
  CHECK(state["fresh"].item<double>() == 7);
  CHECK(state["grows"].equal(doubles({3, 4})));
  assign(a, doubles({-50}));  // is followed no more
  ema.update();
  CHECK(ema.updates() == 2);
  CHECK(ema.state()["a"].item<double>() == Approx(1.9 + (1 - 2.0 / 11) * (100 - 1.9)).epsilon(1e-6));
  { const AveragedValues averaged(ema); }
  CHECK(again.item<double>() == 100);
  ema.follow({});
  ema.update();
  CHECK(ema.state().names() == std::vector<std::string>{"updates"});
}

TEST_CASE("Ema: one that was restored goes on as if never stopped", "[optim]") {
  const auto run = [](bool broken) {
    const at::Tensor a = at::linspace(0, 1, 5), b = doubles({3});
    auto ema = std::make_unique<Ema>(0.4);
    ema->follow({{"a", a}, {"b", b}});
    for (int t = 0; t < 9; ++t) {
      if (broken && t == 4) {
        const Fields state = ema->state();
        ema = std::make_unique<Ema>(0.4);
        ema->follow({{"b", b}, {"a", a}});
        ema->restore(state);
        ema->update(), ema->restore(state);  // it took copies
      }
      move(a, t), move(b, t);
      ema->update();
    }
    return ema->state();
  };
  const Fields unbroken = run(false), resumed = run(true);
  for (const auto& [name, tensor] : unbroken) CHECK(resumed[name].equal(tensor));
}

TEST_CASE("Ema says what is wrong", "[optim][error]") {
  for (const double decay : {0.0, 1.0, -0.5, 1.5, std::nan("")}) {
    const auto error = test::error_of<ConfigError>([&] { Ema{decay}; });
    CHECK(error.code() == "graft-C032");
    CHECK(error.message() == "[Ema] a decay in (0, 1) is wanted, got " + std::to_string(decay) + ".");
  }
  Ema ema(0.9);
  ema.follow({{"a", doubles({1})}, {"b", doubles({1, 2})}, {"c", doubles({3})}});
  ema.update();
  const auto message = [&](const Fields& state) {
    const auto error = test::error_of<CheckpointError>([&] { ema.restore(state); });
    CHECK(error.code() == "graft-K022");
    CHECK(error.remedy() == "Continue with the model and the settings of the run that wrote it.");
    return error.message();
  };
  const at::Tensor one = at::scalar_tensor(1, at::kLong);
  CHECK(message({{"a", doubles({50})}, {"b", doubles({3})}, {"x", one}, {"updates", one}}) ==
        R"([Ema] an average for each of the 3 tensors is wanted; missing: "c"; surplus: "x"; "b" is [1], not [2].)");
  CHECK(message({{"a", doubles({50})}, {"b", doubles({3, 4})}, {"c", doubles({5})}}) ==
        R"([Ema] an average for each of the 3 tensors is wanted; missing: "updates".)");
  CHECK(ema.state()["a"].item<double>() == 1);
  CHECK(ema.updates() == 1);
}
