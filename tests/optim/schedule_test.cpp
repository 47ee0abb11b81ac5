#include "graft/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "graft/optim/optimizer.h"
#include "graft/optim/schedule_preview.h"
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

ScheduleOptions options_of(const Json& json) {
  ScheduleOptions o;
  o.kind = Schedule::kind_from(json.at("kind"));
  o.warmup = json.value("warmup", o.warmup);
  o.end = json.value("end", o.end);
  o.power = json.value("power", o.power);
  o.cycles = json.value("cycles", o.cycles);
  o.rise = json.value("rise", o.rise);
  o.div = json.value("div", o.div);
  o.final_div = json.value("final_div", o.final_div);
  o.decay = json.value("decay", o.decay);
  o.patience = json.value("patience", o.patience);
  o.threshold = json.value("threshold", o.threshold);
  o.floor = json.value("floor", o.floor);
  return o;
}

std::vector<at::Tensor> doubles_of(const Json& list) {
  std::vector<at::Tensor> tensors;
  for (const Json& each : list) tensors.push_back(test::tensor_of(each, at::kDouble));
  return tensors;
}

Optimizer make_optimizer(const std::string& name, const Json& settings, std::vector<at::Tensor> parameters, double lr) {
  std::vector<ParameterGroup> groups;
  groups.push_back({.parameters = std::move(parameters), .lr = lr, .weight_decay = settings.at("weight_decay")});
  if (name == "sgd") return Optimizer::sgd(groups, {.momentum = settings.at("momentum"), .nesterov = settings.at("nesterov")});
  return Optimizer::adamw(groups, {.beta1 = settings.at("betas")[0], .beta2 = settings.at("betas")[1], .epsilon = settings.at("eps")});
}

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

TEST_CASE("Schedule: linear, cosine and polynomial fall to an end", "[optim]") {
  const double root = std::sqrt(0.5);
  check(factors(Schedule({.kind = Kind::Linear, .warmup = 0, .end = 0.2}), 4), {1, 0.8, 0.6, 0.4});
  check(factors(Schedule({.kind = Kind::Cosine, .warmup = 0.2, .end = 0.5}), 5), {1, 1, (3 + root) / 4, 0.75, (3 - root) / 4});
  check(factors(Schedule({.kind = Kind::Polynomial, .warmup = 0, .end = 0.1, .power = 2}), 4),
        {1, 0.1 + 0.9 * 0.5625, 0.1 + 0.9 * 0.25, 0.1 + 0.9 * 0.0625});
  check(factors(Schedule({.kind = Kind::Linear, .warmup = 0, .end = 1}), 3), {1, 1, 1});
}

TEST_CASE("Schedule: polynomial falls with its power, as linear does with power 1", "[optim]") {
  check(factors(Schedule({.kind = Kind::Polynomial, .warmup = 0, .power = 2}), 4), {1, 0.5625, 0.25, 0.0625});
  check(factors(Schedule({.kind = Kind::Polynomial, .warmup = 0.2, .power = 0.5}), 5), {1, 1, std::sqrt(0.75), std::sqrt(0.5), 0.5});
  check(factors(Schedule({.kind = Kind::Polynomial, .warmup = 0.3}), 10), factors(Schedule(Kind::Linear, 0.3), 10));
}

TEST_CASE("Schedule: each cycle of cosine starts at 1 again", "[optim]") {
  const double root = std::sqrt(0.5);
  const std::vector<double> fall{1, (1 + root) / 2, 0.5, (1 - root) / 2};
  std::vector<double> twice{0.5, 1};
  for (int i = 0; i < 2; ++i) twice.insert(twice.end(), fall.begin(), fall.end());
  check(factors(Schedule({.kind = Kind::Cosine, .warmup = 0.2, .cycles = 2}), 10), twice);
  for (const std::int64_t length : {7, 100, 333}) {  // whatever the rounding of a share of the steps
    const Schedule schedule({.kind = Kind::Cosine, .warmup = 0, .cycles = 3});
    for (int cycle = 0; cycle < 3; ++cycle) CHECK(schedule.factor(cycle * length, 3 * length) == 1);
  }
}

TEST_CASE("Schedule: one-cycle rises to 1 and falls far below its start, without a warm-up of its own", "[optim]") {
  const Schedule schedule({.kind = Kind::OneCycle, .warmup = 0.5, .rise = 0.6, .div = 10, .final_div = 10});
  check(factors(schedule, 5), {0.1, 0.55, 1, 0.505, 0.01});
  CHECK(schedule.peak(5) == 2);
  SECTION("the peak may lie between two steps") {
    const Schedule between({.kind = Kind::OneCycle, .rise = 0.5, .div = 10, .final_div = 10});  // of 5 steps: at 1.5
    check(factors(between, 5),
          {0.1, 0.1 + 0.9 * 0.75, 0.01 + 0.99 * (1 + std::cos(M_PI / 5)) / 2, 0.01 + 0.99 * (1 + std::cos(M_PI * 3 / 5)) / 2, 0.01});
  }
  SECTION("without a rise, and in a run too short for one, it starts at the peak") {
    check(factors(Schedule({.kind = Kind::OneCycle, .rise = 0, .div = 10, .final_div = 10}), 3), {1, 0.505, 0.01});
    check(factors(Schedule(Kind::OneCycle), 1), {1});
  }
}

TEST_CASE("Schedule: plateau reduces after more than its patience of evaluations without improvement", "[optim]") {
  const Schedule schedule({.kind = Kind::Plateau, .warmup = 0, .decay = 0.5, .patience = 2, .threshold = 0.1});
  CHECK(schedule.needs_validation());
  check(factors(schedule, 3), {1, 1, 1});
  check(observed(schedule, {1, 1, 1, 1, 1, 1, 1}), {1, 1, 1, 0.5, 0.5, 0.5, 0.25});
  check(observed(schedule, {1, 1, 1, 0.8, 0.8, 0.8, 0.8}), {1, 1, 1, 1, 1, 1, 0.5});
  check(observed(schedule, {1, 0.95, 0.91, 0.901, 0.5, 0.6}), {1, 1, 1, 0.5, 0.5, 0.5});  // a tenth less than the lowest is wanted
  check(observed(schedule, {not_a_number, infinite, infinite, 1, -infinite}), {1, 1, 0.5, 0.5, 0.5});
}

TEST_CASE("Schedule: plateau has a floor, and reductions count in its warm-up", "[optim]") {
  Schedule schedule({.kind = Kind::Plateau, .warmup = 0.4, .decay = 0.1, .patience = 0, .floor = 0.05});
  check(observed(schedule, {1, 1, 1, 1}), {1, 0.1, 0.05, 0.05});
  schedule.observe(1);
  schedule.observe(1);
  check(factors(schedule, 5), {0.05, 0.1, 0.1, 0.1, 0.1});
}

TEST_CASE("Schedule: only plateau heeds validation losses", "[optim]") {
  for (const std::string& name : Schedule::kinds()) {
    INFO(name);
    Schedule schedule({.kind = Schedule::kind_from(name), .patience = 0});
    const std::vector<double> before = factors(schedule, 10);
    for (int i = 0; i < 3; ++i) schedule.observe(1);
    CHECK(schedule.needs_validation() == (name == "plateau"));
    CHECK((factors(schedule, 10) == before) == (name != "plateau"));
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

TEST_CASE("Schedule: rates and steps are those of PyTorch's schedulers", "[optim]") {
  const Json golden = test::golden("schedules.json");
  const std::string optimizer_name = GENERATE("adamw", "sgd");
  const double lr = golden.at("lr");
  const auto targets = doubles_of(golden.at("target")), curvatures = doubles_of(golden.at("curvature"));
  for (const auto& [name, entry] : golden.at("schedules").items()) {
    const Json& run = entry.at(optimizer_name);
    Schedule schedule(options_of(entry.at("options")));
    std::vector<at::Tensor> parameters = doubles_of(golden.at("start"));
    for (at::Tensor& parameter : parameters) parameter.set_requires_grad(true);
    Optimizer optimizer = make_optimizer(optimizer_name, golden.at("optimizers").at(optimizer_name), parameters, lr);
    for (std::size_t step = 0; step < 10; ++step) {
      INFO(name << " with " << optimizer_name << ", step " << step);
      const double factor = schedule.factor(static_cast<std::int64_t>(step), 10);
      CHECK(factor * lr == Approx(run.at("learning_rates")[step].get<double>()).epsilon(0).margin(1e-12));
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        parameters[i].mutable_grad() = curvatures[i] * (parameters[i].detach() - targets[i]);
      }
      optimizer.step(factor);
      const auto expected = doubles_of(run.at("after")[step]);
      for (std::size_t i = 0; i < parameters.size(); ++i) CHECK(test::max_difference(parameters[i].detach(), expected[i]) < 1e-12);
      if (entry.contains("validation") && step % 2 == 1) schedule.observe(entry.at("validation")[step / 2]);
    }
  }
}

TEST_CASE("Schedule: kinds have names", "[optim]") {
  const std::vector<std::string> names{"constant", "linear", "cosine", "polynomial", "one-cycle", "plateau"};
  CHECK(Schedule::kinds() == names);
  const std::vector<Kind> kinds{Kind::Constant, Kind::Linear, Kind::Cosine, Kind::Polynomial, Kind::OneCycle, Kind::Plateau};
  for (std::size_t i = 0; i < names.size(); ++i) CHECK(Schedule::kind_from(names[i]) == kinds[i]);
}

TEST_CASE("Schedule: a line tells its course", "[optim]") {
  CHECK(Schedule().text() == "linear to 0, warm-up 0.1");
  CHECK(Schedule(Kind::Constant, 0).text() == "constant, no warm-up");
  CHECK(Schedule({.kind = Kind::Cosine, .warmup = 0.05, .end = 0.1, .cycles = 2}).text() == "cosine to 0.1 in 2 cycles, warm-up 0.05");
  CHECK(Schedule({.kind = Kind::Polynomial, .power = 2}).text() == "polynomial of power 2 to 0, warm-up 0.1");
  CHECK(Schedule(Kind::OneCycle).text() == "one-cycle from 0.04 to 4e-06, peak after 0.3");
  CHECK(Schedule(Kind::Plateau).text() == "plateau with decay 0.1, patience 2, threshold 0.0001, floor 0, warm-up 0.1");
}

TEST_CASE("Schedule: its preview has a plot and the corners", "[optim]") {
  const std::string text = schedule_preview(Schedule(Kind::Linear, 0.5), 1000, 2e-3);
  INFO(text);
  CHECK(text.starts_with("linear to 0, warm-up 0.5\n  0.002 │"));
  const std::string corners =
      "                  step factor     rate\n"
      "  first              1  0.002    4e-06\n"
      "  a quarter        250    0.5    0.001\n"
      "  end of warm-up   500      1    0.002\n"
      "  three quarters   750  0.502 0.001004\n"
      "  last           1,000  0.002    4e-06\n";
  CHECK(text.ends_with("1                           500                        1,000  step\n" + corners));
  CHECK(std::ranges::count(text, '\n') == 1 + 10 + 2 + 6);
  const std::string one = schedule_preview(Schedule(Kind::OneCycle), 1, 1);
  CHECK(one.ends_with("        step factor rate\n  first    1      1    1\n"));
  CHECK(schedule_preview(Schedule(Kind::OneCycle), 100, 1).find("\n  peak             30      1      1\n") != std::string::npos);
  CHECK(schedule_preview(Schedule(Kind::Plateau), 10, 1).ends_with("without the reductions that further evaluations may bring\n"));
}

TEST_CASE("Schedule says what is wrong", "[optim][error]") {
  const auto name = test::error_of<ConfigError>([] { Schedule::kind_from("cosin"); });
  CHECK(name.code() == "graft-C017");
  CHECK(name.message() ==
        "[Schedule] one of \"constant\", \"linear\", \"cosine\", \"polynomial\", \"one-cycle\", \"plateau\" is wanted, got \"cosin\".");
  CHECK(name.remedy() == "Did you mean \"cosine\"?");
  CHECK(test::error_of<ConfigError>([] { Schedule::kind_from("OneCycle"); }).remedy() == "Did you mean \"one-cycle\"?");
  CHECK(test::error_of<ConfigError>([] { Schedule::kind_from("triangular"); }).remedy() == "Use one of these names.");
  const double warmup = GENERATE(1.0, -0.1, std::nan(""));
  const auto share = test::error_of<ConfigError>([&] { Schedule(Kind::Linear, warmup); });
  CHECK(share.code() == "graft-C016");
  CHECK(share.message() == "[Schedule] a warm-up share in [0, 1) is wanted, got " + std::to_string(warmup) + ".");
  CHECK(share.remedy() == "0.1 warms up over a tenth of the steps.");
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
