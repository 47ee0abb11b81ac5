#include "graft/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "factors.h"
#include "graft/optim/schedule_preview.h"
#include "support.h"

using namespace graft;
using Kind = Schedule::Kind;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("Schedule: constant stays at 1 after its warm-up", "[optim]") {
  test::check_factors(test::factors(Schedule(Kind::Constant, 0), 3), {1, 1, 1});
  test::check_factors(test::factors(Schedule(Kind::Constant, 0.5), 8), {0.25, 0.5, 0.75, 1, 1, 1, 1, 1});
}

TEST_CASE("Schedule: linear falls by equal parts towards 0", "[optim]") {
  test::check_factors(test::factors(Schedule(Kind::Linear, 0), 4), {1, 0.75, 0.5, 0.25});
  test::check_factors(test::factors(Schedule(Kind::Linear, 0.2), 10), {0.5, 1, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125});
}

TEST_CASE("Schedule: cosine falls along half a wave", "[optim]") {
  const double root = std::sqrt(0.5);
  test::check_factors(test::factors(Schedule(Kind::Cosine, 0), 4), {1, (1 + root) / 2, 0.5, (1 - root) / 2});
  test::check_factors(test::factors(Schedule(Kind::Cosine, 0.2), 5), {1, 1, (1 + root) / 2, 0.5, (1 - root) / 2});
}

TEST_CASE("Schedule: by default linear with a tenth of warm-up", "[optim]") {
  test::check_factors(test::factors(Schedule(), 20), test::factors(Schedule(Kind::Linear, 0.1), 20));
  CHECK(Schedule().factor(0, 20) == 0.5);
  CHECK(Schedule().factor(11, 20) == Approx(0.5));
}

TEST_CASE("Schedule: the warm-up is rounded to whole steps, and short runs have none", "[optim]") {
  test::check_factors(test::factors(Schedule(Kind::Constant, 0.1), 4), {1, 1, 1, 1});
  test::check_factors(test::factors(Schedule(Kind::Constant, 0.4), 4), {0.5, 1, 1, 1});
  CHECK(Schedule(Kind::Linear, 0.1).factor(0, 1) == 1);
}

TEST_CASE("Schedule: a run that is warm-up to its end ends at 1", "[optim]") {
  test::check_factors(test::factors(Schedule(Kind::Cosine, 0.99), 4), {0.25, 0.5, 0.75, 1});
}

TEST_CASE("Schedule: linear, cosine and polynomial fall to an end", "[optim]") {
  const double root = std::sqrt(0.5);
  test::check_factors(test::factors(Schedule({.kind = Kind::Linear, .warmup = 0, .end = 0.2}), 4), {1, 0.8, 0.6, 0.4});
  test::check_factors(test::factors(Schedule({.kind = Kind::Cosine, .warmup = 0.2, .end = 0.5}), 5),
                      {1, 1, (3 + root) / 4, 0.75, (3 - root) / 4});
  test::check_factors(test::factors(Schedule({.kind = Kind::Polynomial, .warmup = 0, .end = 0.1, .power = 2}), 4),
                      {1, 0.1 + 0.9 * 0.5625, 0.1 + 0.9 * 0.25, 0.1 + 0.9 * 0.0625});
  test::check_factors(test::factors(Schedule({.kind = Kind::Linear, .warmup = 0, .end = 1}), 3), {1, 1, 1});
}

TEST_CASE("Schedule: polynomial falls with its power, as linear does with power 1", "[optim]") {
  test::check_factors(test::factors(Schedule({.kind = Kind::Polynomial, .warmup = 0, .power = 2}), 4), {1, 0.5625, 0.25, 0.0625});
  test::check_factors(test::factors(Schedule({.kind = Kind::Polynomial, .warmup = 0.2, .power = 0.5}), 5),
                      {1, 1, std::sqrt(0.75), std::sqrt(0.5), 0.5});
  test::check_factors(test::factors(Schedule({.kind = Kind::Polynomial, .warmup = 0.3}), 10),
                      test::factors(Schedule(Kind::Linear, 0.3), 10));
}

TEST_CASE("Schedule: each cycle of cosine starts at 1 again", "[optim]") {
  const double root = std::sqrt(0.5);
  const std::vector<double> fall{1, (1 + root) / 2, 0.5, (1 - root) / 2};
  std::vector<double> twice{0.5, 1};
  for (int i = 0; i < 2; ++i) twice.insert(twice.end(), fall.begin(), fall.end());
  test::check_factors(test::factors(Schedule({.kind = Kind::Cosine, .warmup = 0.2, .cycles = 2}), 10), twice);
  for (const std::int64_t length : {7, 100, 333}) {  // whatever the rounding of a share of the steps
    const Schedule schedule({.kind = Kind::Cosine, .warmup = 0, .cycles = 3});
    for (int cycle = 0; cycle < 3; ++cycle) CHECK(schedule.factor(cycle * length, 3 * length) == 1);
  }
}

TEST_CASE("Schedule: one-cycle rises to 1 and falls far below its start, without a warm-up of its own", "[optim]") {
  const Schedule schedule({.kind = Kind::OneCycle, .warmup = 0.5, .rise = 0.6, .div = 10, .final_div = 10});
  test::check_factors(test::factors(schedule, 5), {0.1, 0.55, 1, 0.505, 0.01});
  CHECK(schedule.peak(5) == 2);
  SECTION("the peak may lie between two steps") {
    const Schedule between({.kind = Kind::OneCycle, .rise = 0.5, .div = 10, .final_div = 10});  // of 5 steps: at 1.5
    test::check_factors(test::factors(between, 5), {0.1, 0.1 + 0.9 * 0.75, 0.01 + 0.99 * (1 + std::cos(M_PI / 5)) / 2,
                                                    0.01 + 0.99 * (1 + std::cos(M_PI * 3 / 5)) / 2, 0.01});
  }
  SECTION("without a rise, and in a run too short for one, it starts at the peak") {
    test::check_factors(test::factors(Schedule({.kind = Kind::OneCycle, .rise = 0, .div = 10, .final_div = 10}), 3), {1, 0.505, 0.01});
    test::check_factors(test::factors(Schedule(Kind::OneCycle), 1), {1});
  }
}

TEST_CASE("Schedule lists every option out of range", "[optim][error]") {
  const auto messages = [](const ScheduleOptions& options) {
    std::vector<std::string> all;
    const auto error = test::error_of<ConfigError>([&] { Schedule{options}; });
    for (const Problem& problem : error.problems()) {
      CHECK(problem.code == "graft-C016");
      CHECK_FALSE(problem.remedy.empty());
      all.push_back(problem.message);
    }
    return all;
  };
  const std::vector<std::string> expected{"[Schedule] a warm-up share in [0, 1) is wanted, got 1.000000.",
                                          "[Schedule] an end factor in [0, 1] is wanted, got -0.500000.",
                                          "[Schedule] a power above 0 is wanted, got 0.000000.",
                                          "[Schedule] a number of cycles of at least 1 is wanted, got 0.",
                                          "[Schedule] a share of the rise in [0, 1) is wanted, got 1.000000.",
                                          "[Schedule] a div of at least 1 is wanted, got 0.500000.",
                                          "[Schedule] a final_div of at least 1 is wanted, got 0.100000.",
                                          "[Schedule] a decay in (0, 1) is wanted, got 1.000000.",
                                          "[Schedule] a patience of at least 0 is wanted, got -1.",
                                          "[Schedule] a threshold in [0, 1) is wanted, got 1.000000.",
                                          "[Schedule] a floor in [0, 1] is wanted, got 1.500000."};
  CHECK(messages({.warmup = 1,
                  .end = -0.5,
                  .power = 0,
                  .cycles = 0,
                  .rise = 1,
                  .div = 0.5,
                  .final_div = 0.1,
                  .decay = 1,
                  .patience = -1,
                  .threshold = 1,
                  .floor = 1.5}) == expected);
  CHECK(messages({.warmup = not_a_number,
                  .end = not_a_number,
                  .power = not_a_number,
                  .rise = not_a_number,
                  .div = not_a_number,
                  .final_div = not_a_number,
                  .decay = not_a_number,
                  .threshold = not_a_number,
                  .floor = not_a_number})
            .size() == 9);
  CHECK(messages({.power = infinite, .div = infinite, .final_div = infinite}).size() == 3);
  CHECK(test::error_of<ConfigError>([] { schedule_preview(Schedule(), 0, 1); }).message() ==
        "[Schedule] at least 1 step is wanted, got 0.");
}
