#include "graft/optim/schedule.h"

#include <cmath>

#include "support.h"

using namespace graft;
using Kind = Schedule::Kind;

namespace {

std::vector<double> factors(const Schedule& schedule, std::int64_t total) {
  std::vector<double> all;
  for (std::int64_t step = 0; step < total; ++step) all.push_back(schedule.factor(step, total));
  return all;
}

void check(const std::vector<double>& factors, const std::vector<double>& expected) {
  REQUIRE(factors.size() == expected.size());
  for (std::size_t i = 0; i < factors.size(); ++i) {
    INFO("step " << i);
    CHECK(factors[i] == Approx(expected[i]).epsilon(0).margin(1e-12));
  }
}

}  // namespace

TEST_CASE("Schedule: constant stays at 1 after its warm-up", "[optim]") {
  check(factors(Schedule(Kind::Constant, 0), 3), {1, 1, 1});
  check(factors(Schedule(Kind::Constant, 0.5), 8), {0.25, 0.5, 0.75, 1, 1, 1, 1, 1});
}

TEST_CASE("Schedule: linear falls by equal parts towards 0", "[optim]") {
  check(factors(Schedule(Kind::Linear, 0), 4), {1, 0.75, 0.5, 0.25});
  check(factors(Schedule(Kind::Linear, 0.2), 10), {0.5, 1, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125});
}

TEST_CASE("Schedule: cosine falls along half a wave", "[optim]") {
  const double root = std::sqrt(0.5);
  check(factors(Schedule(Kind::Cosine, 0), 4), {1, (1 + root) / 2, 0.5, (1 - root) / 2});
  check(factors(Schedule(Kind::Cosine, 0.2), 5), {1, 1, (1 + root) / 2, 0.5, (1 - root) / 2});
}

TEST_CASE("Schedule: by default linear with a tenth of warm-up", "[optim]") {
  check(factors(Schedule(), 20), factors(Schedule(Kind::Linear, 0.1), 20));
  CHECK(Schedule().factor(0, 20) == 0.5);
  CHECK(Schedule().factor(11, 20) == Approx(0.5));
}

TEST_CASE("Schedule: the rates are those of the reference runs", "[optim]") {
  const Json runs = test::golden("training.json").at("runs");
  const auto compare = [&](const std::string& name, const Schedule& schedule) {
    INFO(name);
    const double lr = runs.at(name).at("lr");
    std::vector<double> rates = factors(schedule, 10);
    for (double& rate : rates) rate *= lr;
    check(rates, runs.at(name).at("learning_rates").get<std::vector<double>>());
  };
  compare("tiny_adamw", Schedule(Kind::Linear, 0.3));
  compare("tiny_sgd", Schedule(Kind::Cosine, 0));
}

TEST_CASE("Schedule: the warm-up is rounded to whole steps, and short runs have none", "[optim]") {
  check(factors(Schedule(Kind::Constant, 0.1), 4), {1, 1, 1, 1});
  check(factors(Schedule(Kind::Constant, 0.4), 4), {0.5, 1, 1, 1});
  CHECK(Schedule(Kind::Linear, 0.1).factor(0, 1) == 1);
}

TEST_CASE("Schedule: a run that is warm-up to its end ends at 1", "[optim]") {
  check(factors(Schedule(Kind::Cosine, 0.99), 4), {0.25, 0.5, 0.75, 1});
}

TEST_CASE("Schedule: kinds have names", "[optim]") {
  CHECK(Schedule::kind_from("constant") == Kind::Constant);
  CHECK(Schedule::kind_from("linear") == Kind::Linear);
  CHECK(Schedule::kind_from("cosine") == Kind::Cosine);
}

TEST_CASE("Schedule says what is wrong", "[optim][error]") {
  const auto name = test::error_of<ConfigError>([] { Schedule::kind_from("cosin"); });
  CHECK(name.code() == "graft-C017");
  CHECK(name.message() == "[Schedule] one of \"constant\", \"linear\", \"cosine\" is wanted, got \"cosin\".");
  CHECK(name.remedy() == "Did you mean \"cosine\"?");
  CHECK(test::error_of<ConfigError>([] { Schedule::kind_from("polynomial"); }).remedy() == "Use one of these names.");
  const double warmup = GENERATE(1.0, -0.1, std::nan(""));
  const auto share = test::error_of<ConfigError>([&] { Schedule(Kind::Linear, warmup); });
  CHECK(share.code() == "graft-C016");
  CHECK(share.message() == "[Schedule] a warm-up share in [0, 1) is wanted, got " + std::to_string(warmup) + ".");
  CHECK(share.remedy() == "0.1 warms up over a tenth of the steps.");
}
