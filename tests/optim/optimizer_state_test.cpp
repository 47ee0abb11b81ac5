// What an optimizer keeps of its parameters: written down, restored, and bound to other tensors.
#include <ATen/ATen.h>

#include "graft/optim/optimizer.h"
#include "support.h"

using namespace graft;

namespace {

at::Tensor leaf(const at::Tensor& values) { return values.clone().set_requires_grad(true); }

/// Two matrices, and a table that is read by rows.
struct Weights {
  at::Tensor a, b, table;
  Weights() {
    at::manual_seed(1);
    a = leaf(at::randn({3, 2}));
    b = leaf(at::randn({4}));
    table = leaf(at::randn({9, 2}));
  }
  std::vector<ParameterGroup> groups() const {
    return {{.parameters = {a, table}, .lr = 0.1, .names = {"a", "table"}},
            {.parameters = {b}, .lr = 0.01, .weight_decay = 0.1, .names = {"b"}}};
  }
  void gradients(int step) {
    for (const at::Tensor& each : {a, b, table}) each.mutable_grad().reset();
    const at::Tensor rows = at::tensor({step % 9, (2 * step) % 9, 4}, at::kLong);
    (a.square().sum() + (b * step).sin().sum() + at::embedding(table, rows, -1, false, /*sparse=*/true).exp().sum()).backward();
  }
  bool operator==(const Weights& other) const { return a.equal(other.a) && b.equal(other.b) && table.equal(other.table); }
};

Optimizer make(const std::string& kind, std::vector<ParameterGroup> groups) {
  if (kind == "Lion") return Optimizer::lion(std::move(groups));
  return kind == "SGD" ? Optimizer::sgd(std::move(groups)) : Optimizer::adamw(std::move(groups));
}

void run(Optimizer& optimizer, Weights& weights, int from, int to) {
  for (int step = from; step < to; ++step) {
    weights.gradients(step);
    optimizer.step();
  }
}

Fields copied(const Fields& state) {
  Fields copy;
  for (const auto& [name, tensor] : state) copy.set(name, tensor.clone());
  return copy;
}

Fields without(const Fields& state, const std::string& left_out) {
  Fields rest;
  for (const auto& [name, tensor] : state) {
    if (name != left_out) rest.set(name, tensor);
  }
  return rest;
}

}  // namespace

TEST_CASE("Optimizer: one that takes a state goes on exactly, by rows too", "[optim]") {
  const std::string kind = GENERATE(as<std::string>(), "AdamW", "SGD", "Lion");
  Weights whole, broken;
  Optimizer unbroken = make(kind, whole.groups()), first = make(kind, broken.groups());
  run(unbroken, whole, 1, 5);
  run(first, broken, 1, 5);
  const Fields state = copied(first.state()), before = copied(state);
  REQUIRE(state.has("table/rows"));
  CHECK(state.has("table/step") == (kind == "AdamW"));
  Optimizer second = make(kind, broken.groups());
  second.restore(state);
  run(unbroken, whole, 5, 9);
  run(second, broken, 5, 9);
  INFO(kind);
  CHECK(whole == broken);
  // What it was restored from has not moved along.
  for (const auto& [name, tensor] : state) CHECK(tensor.equal(before[name]));
  CHECK_FALSE(state["table/rows"].equal(second.state()["table/rows"]));
}

TEST_CASE("Optimizer: a state that does not fit is refused, and changes nothing", "[optim][error]") {
  Weights weights, expected;
  Optimizer optimizer = make("AdamW", weights.groups()), untouched = make("AdamW", expected.groups());
  run(optimizer, weights, 1, 4);
  run(untouched, expected, 1, 4);
  const Fields state = copied(optimizer.state());
  const auto refused = [&](const Fields& wrong) {
    const auto error = test::error_of<CheckpointError>([&] { optimizer.restore(wrong); });
    CHECK(error.code() == "graft-K023");
    CHECK(error.remedy() == "Continue with the optimizer and the parameter groups of the run that wrote it.");
    return error.message();
  };
  const auto with = [&](const std::string& name, const at::Tensor& tensor) {
    Fields changed = state;
    changed.set(name, tensor);
    return changed;
  };
  CHECK(refused(with("c/exp_avg", at::ones({2}))) ==
        "[Optimizer] the state holds \"c/exp_avg\", which AdamW over these parameters does not have.");
  CHECK(refused(with("a/momentum", at::ones({3, 2}))) ==
        "[Optimizer] the state holds \"a/momentum\", which AdamW over these parameters does not have.");
  CHECK(refused(without(state, "a/exp_avg_sq")) == "[Optimizer] the state of \"a\" is incomplete.");
  CHECK(refused(without(state, "b/step")) == "[Optimizer] the state of \"b\" is incomplete.");
  CHECK(refused(with("b/step", at::ones({2}))) == "[Optimizer] the state of \"b\" counts its steps in no number.");
  CHECK(refused(with("b/exp_avg", at::ones({5}))) == "[Optimizer] the state of \"b\" is [5], the parameter's is [4].");
  CHECK(refused(with("table/rows", at::arange(2))).starts_with("[Optimizer] the state of \"table\" is ["));
  CHECK(refused(with("table/rows", at::arange(9) + 1)) == "[Optimizer] the state of \"table\" has rows that the parameter does not have.");
  CHECK(refused(with("table/rows", at::ones({1}))) == "[Optimizer] the state of \"table\" has rows that are no list of indices.");
  run(optimizer, weights, 4, 7);
  run(untouched, expected, 4, 7);
  CHECK(weights == expected);
}

TEST_CASE("Optimizer: an empty state starts anew", "[optim]") {
  Weights weights, fresh;
  Optimizer optimizer = make("AdamW", weights.groups());
  run(optimizer, weights, 1, 4);
  optimizer.restore({});
  CHECK(optimizer.state().empty());
  weights = Weights();
  optimizer.bind({{"a", weights.a}, {"b", weights.b}, {"table", weights.table}});
  Optimizer another = make("AdamW", fresh.groups());
  run(optimizer, weights, 1, 4);
  run(another, fresh, 1, 4);
  CHECK(weights == fresh);
}

TEST_CASE("Optimizer: parameters that rest keep their state, and go on when they are bound again", "[optim]") {
  Weights weights, expected;
  Optimizer optimizer = make("AdamW", weights.groups()), plain = make("AdamW", expected.groups());
  run(optimizer, weights, 1, 4);
  run(plain, expected, 1, 4);
  const at::Tensor moment = optimizer.state()["b/exp_avg"].clone();

  optimizer.bind({{"a", weights.a}});
  CHECK(optimizer.groups()[0].parameters[0].is_same(weights.a));
  CHECK_FALSE(optimizer.groups()[0].parameters[1].defined());
  CHECK_FALSE(optimizer.groups()[1].parameters[0].defined());
  run(optimizer, weights, 4, 6);
  CHECK(weights.b.equal(expected.b));
  CHECK(weights.table.equal(expected.table));
  CHECK_FALSE(weights.a.equal(expected.a));
  CHECK(optimizer.state()["b/exp_avg"].equal(moment));

  // In the place of a tensor comes another one of its name.
  weights.b = leaf(weights.b.detach());
  optimizer.bind({{"table", weights.table}, {"b", weights.b}, {"unknown", weights.a}});
  for (int step = 4; step < 7; ++step) {
    weights.gradients(step);
    expected.gradients(step);
    expected.a.mutable_grad().reset();
    optimizer.step();
    plain.step();
  }
  CHECK(weights.b.equal(expected.b));
  CHECK(weights.table.equal(expected.table));
}

TEST_CASE("Optimizer: a parameter that comes late takes the first step of a new one", "[optim]") {
  Weights late, fresh;
  std::vector<ParameterGroup> groups = late.groups();
  groups[1].parameters[0] = at::Tensor();
  Optimizer optimizer = make("AdamW", std::move(groups)), other = make("AdamW", fresh.groups());
  run(optimizer, late, 1, 4);
  CHECK(late.b.equal(fresh.b));
  optimizer.bind({{"b", late.b}});
  run(optimizer, late, 4, 5);
  run(other, fresh, 4, 5);
  CHECK(late.b.equal(fresh.b));
  CHECK(optimizer.state()["b/step"].item<float>() == 1);
}

TEST_CASE("Optimizer: what is bound is checked as at the start", "[optim][error]") {
  Weights weights;
  Optimizer optimizer = make("AdamW", weights.groups());
  const auto error = test::error_of<ConfigError>([&] { optimizer.bind({{"b", weights.b * 2}}); });
  CHECK(error.code() == "graft-C015");
}
