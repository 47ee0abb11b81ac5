// The schedule that heeds validation, and so has a state.
#include <limits>

#include "core/json.h"
#include "factors.h"
#include "graft/optim/schedule.h"
#include "support.h"

using namespace graft;
using Kind = Schedule::Kind;

namespace {

/// The factor after each of these losses.
std::vector<double> observed(Schedule schedule, const std::vector<double>& losses) {
  std::vector<double> all;
  for (const double loss : losses) {
    schedule.observe(loss);
    all.push_back(schedule.factor(5, 10));
  }
  return all;
}

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("Schedule: plateau reduces after more than its patience of evaluations without improvement", "[optim]") {
  const Schedule schedule({.kind = Kind::Plateau, .warmup = 0, .decay = 0.5, .patience = 2, .threshold = 0.1});
  CHECK(schedule.needs_validation());
  test::check_factors(test::factors(schedule, 3), {1, 1, 1});
  test::check_factors(observed(schedule, {1, 1, 1, 1, 1, 1, 1}), {1, 1, 1, 0.5, 0.5, 0.5, 0.25});
  test::check_factors(observed(schedule, {1, 1, 1, 0.8, 0.8, 0.8, 0.8}), {1, 1, 1, 1, 1, 1, 0.5});
  test::check_factors(observed(schedule, {1, 0.95, 0.91, 0.901, 0.5, 0.6}),
                      {1, 1, 1, 0.5, 0.5, 0.5});  // a tenth less than the lowest is wanted
  test::check_factors(observed(schedule, {not_a_number, infinite, infinite, 1, -infinite}), {1, 1, 0.5, 0.5, 0.5});
}

TEST_CASE("Schedule: plateau has a floor, and reductions count in its warm-up", "[optim]") {
  Schedule schedule({.kind = Kind::Plateau, .warmup = 0.4, .decay = 0.1, .patience = 0, .floor = 0.05});
  test::check_factors(observed(schedule, {1, 1, 1, 1}), {1, 0.1, 0.05, 0.05});
  schedule.observe(1);
  schedule.observe(1);
  test::check_factors(test::factors(schedule, 5), {0.05, 0.1, 0.1, 0.1, 0.1});
}

TEST_CASE("Schedule: only plateau heeds validation losses", "[optim]") {
  for (const std::string& name : Schedule::kinds()) {
    INFO(name);
    Schedule schedule({.kind = Schedule::kind_from(name), .patience = 0});
    const std::vector<double> before = test::factors(schedule, 10);
    for (int i = 0; i < 3; ++i) schedule.observe(1);
    CHECK(schedule.needs_validation() == (name == "plateau"));
    CHECK((test::factors(schedule, 10) == before) == (name != "plateau"));
    CHECK(schedule.state().empty() == (name != "plateau"));
  }
}

TEST_CASE("Schedule: one that is restored goes on as the one that wrote its state", "[optim]") {
  const ScheduleOptions options{.kind = Kind::Plateau, .warmup = 0, .decay = 0.3, .patience = 1, .threshold = 0.01};
  const std::vector<double> losses{1.0 / 3, 0.4, 0.5, 0.3, 0.31, 0.3, 0.299, 0.1, 0.2, 0.3};
  const auto resumed_at = static_cast<std::size_t>(GENERATE(0, 2, 3, 5, 9));
  Schedule unbroken(options), before(options), after(options);
  for (std::size_t i = 0; i < losses.size(); ++i) {
    if (i == resumed_at) after.restore(Json::parse(before.state().dump()));
    unbroken.observe(losses[i]);
    (i < resumed_at ? before : after).observe(losses[i]);
    CHECK((i < resumed_at ? before : after).factor(0, 10) == unbroken.factor(0, 10));
  }
  CHECK(after.state() == unbroken.state());
  CHECK(unbroken.factor(0, 10) < 1);
}

TEST_CASE("Schedule refuses the state of another, and stays as it was", "[optim][error]") {
  Schedule plateau({.kind = Kind::Plateau, .patience = 2});
  plateau.observe(0.5);
  plateau.observe(0.6);
  const Json before = plateau.state();
  const std::string state = GENERATE(R"({})", R"([])", R"(null)", R"({"best": "low", "bad_evaluations": 0, "reduction": 1})",
                                     R"({"best": 1, "bad_evaluations": 3, "reduction": 1})", R"({"best": 1, "reduction": 1})",
                                     R"({"best": 1, "bad_evaluations": 0, "reduction": 2})");
  const auto error = test::error_of<CheckpointError>([&] { plateau.restore(Json::parse(state)); });
  CHECK(error.code() == "graft-K023");
  CHECK(error.message().starts_with("[Schedule] the state of a schedule \"plateau with decay 0.1, patience 2"));
  CHECK(error.remedy() == "Continue with the schedule of the run that wrote it.");
  CHECK(plateau.state() == before);
  Schedule linear;
  CHECK(test::error_of<CheckpointError>([&] { linear.restore(before); }).code() == "graft-K023");
  linear.restore(Schedule(Kind::Cosine).state());
}
