#include "graft/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/json.h"
#include "core/names.h"
#include "core/table.h"
#include "graft/core/error.h"

namespace graft {
namespace {

void check(const ScheduleOptions& options) {
  std::vector<Problem> problems;
  const auto require = [&](bool holds, const std::string& expectation, auto value, const std::string& remedy) {
    if (holds) return;
    problems.push_back({.code = "graft-C016",
                        .message = "[Schedule] " + expectation + " is wanted, got " + std::to_string(value) + ".",
                        .remedy = remedy,
                        .place = ""});
  };
  const auto share = [](double value) { return value >= 0 && value < 1; };
  const auto factor = [](double value) { return value >= 0 && value <= 1; };
  const auto finite_from_1 = [](double value) { return value >= 1 && std::isfinite(value); };
  require(share(options.warmup), "a warm-up share in [0, 1)", options.warmup, "0.1 warms up over a tenth of the steps.");
  require(factor(options.end), "an end factor in [0, 1]", options.end, "0 lets the rate fall to nothing, 0.1 to a tenth.");
  require(options.power > 0 && std::isfinite(options.power), "a power above 0", options.power,
          "1 falls by equal parts, 2 faster at first.");
  require(options.cycles >= 1, "a number of cycles of at least 1", options.cycles, "1 falls once, without a restart.");
  require(share(options.rise), "a share of the rise in [0, 1)", options.rise, "0.3 has the peak after three tenths of the steps.");
  require(finite_from_1(options.div), "a div of at least 1", options.div, "25 starts at a 25th of the rate.");
  require(finite_from_1(options.final_div), "a final_div of at least 1", options.final_div, "1 ends at the rate of the first step.");
  require(options.decay > 0 && options.decay < 1, "a decay in (0, 1)", options.decay, "0.1 reduces the rate to a tenth.");
  require(options.patience >= 0, "a patience of at least 0", options.patience, "0 reduces at the first evaluation without improvement.");
  require(share(options.threshold), "a threshold in [0, 1)", options.threshold, "0 takes every lower loss for an improvement.");
  require(factor(options.floor), "a floor in [0, 1]", options.floor, "0 sets none.");
  if (!problems.empty()) throw ConfigError(problems);
}

/// From 1 at p = 0 to 0 at p = 1.
double half_wave(double p) { return 0.5 * (1 + std::cos(std::numbers::pi * p)); }

std::int64_t warmup_steps(const ScheduleOptions& options, std::int64_t total) {
  return std::llround(options.warmup * static_cast<double>(total));
}

/// The peak of one-cycle may lie between two steps.
double one_cycle_peak(const ScheduleOptions& options, std::int64_t total) {
  return std::max(0.0, options.rise * static_cast<double>(total) - 1);
}

double one_cycle(const ScheduleOptions& options, std::int64_t step, std::int64_t total) {
  const auto at = static_cast<double>(step), last = static_cast<double>(total - 1);
  const double peak = one_cycle_peak(options, total), first = 1 / options.div, least = first / options.final_div;
  if (at < peak) return 1 + (first - 1) * half_wave(at / peak);
  return at == peak ? 1 : least + (1 - least) * half_wave((at - peak) / (last - peak));
}

}  // namespace

Schedule::Schedule(Kind kind, double warmup) : Schedule(ScheduleOptions{.kind = kind, .warmup = warmup}) {}

Schedule::Schedule(ScheduleOptions options) : options_(options) { check(options_); }

const std::vector<std::string>& Schedule::kinds() {
  static const std::vector<std::string> names{"constant", "linear", "cosine", "polynomial", "one-cycle", "plateau"};
  return names;
}

Schedule::Kind Schedule::kind_from(const std::string& name) {
  const auto found = std::ranges::find(kinds(), name);
  if (found != kinds().end()) return static_cast<Kind>(found - kinds().begin());
  throw ConfigError({.code = "graft-C017",
                     .message = "[Schedule] one of " + quoted_list(kinds()) + " is wanted, got \"" + name + "\".",
                     .remedy = did_you_mean(name, kinds(), "Use one of these names."),
                     .place = ""});
}

double Schedule::factor(std::int64_t step, std::int64_t total) const {
  if (options_.kind == Kind::OneCycle) return one_cycle(options_, step, total);
  const std::int64_t warm = warmup_steps(options_, total);
  if (step < warm) return plateau_.reduction * (static_cast<double>(step + 1) / static_cast<double>(warm));
  const std::int64_t after = step - warm, steps = std::max<std::int64_t>(1, total - warm);
  const double p = static_cast<double>(after) / static_cast<double>(steps);
  const auto fallen = [&](double shape) { return options_.end + (1 - options_.end) * shape; };
  switch (options_.kind) {
    case Kind::Linear:
      return fallen(1 - p);
    case Kind::Cosine:  // in whole numbers, so that a restart is met exactly
      return fallen(half_wave(static_cast<double>(after * options_.cycles % steps) / static_cast<double>(steps)));
    case Kind::Polynomial:
      return fallen(std::pow(1 - p, options_.power));
    case Kind::Constant:
    case Kind::OneCycle:
    case Kind::Plateau:
      break;
  }
  return plateau_.reduction;
}

std::int64_t Schedule::peak(std::int64_t total) const {
  if (options_.kind == Kind::OneCycle) return std::llround(one_cycle_peak(options_, total));
  return std::max<std::int64_t>(0, warmup_steps(options_, total) - 1);
}

void Schedule::observe(double valid_loss) {
  if (!needs_validation()) return;
  if (std::isfinite(valid_loss) && (!plateau_.best || valid_loss < *plateau_.best * (1 - options_.threshold))) {
    plateau_.best = valid_loss;
    plateau_.bad_evaluations = 0;
  } else if (++plateau_.bad_evaluations > options_.patience) {
    plateau_.reduction = std::max(plateau_.reduction * options_.decay, options_.floor);
    plateau_.bad_evaluations = 0;
  }
}

Json Schedule::state() const {
  if (!needs_validation()) return Json::object();
  return {{"best", plateau_.best ? Json(*plateau_.best) : Json()},
          {"bad_evaluations", plateau_.bad_evaluations},
          {"reduction", plateau_.reduction}};
}

void Schedule::restore(const Json& state) {
  const auto in = [&](const char* name, double least, double most) {
    return state.contains(name) && state[name].is_number() && state[name] >= least && state[name] <= most;
  };
  const bool fits = needs_validation() ? state.contains("best") && (state["best"].is_null() || state["best"].is_number()) &&
                                             in("bad_evaluations", 0, options_.patience) && in("reduction", options_.floor, 1)
                                       : state.is_object() && state.empty();
  if (!fits) {
    throw CheckpointError({.code = "graft-K023",
                           .message = "[Schedule] the state of a schedule \"" + text() + "\" is wanted, got " +
                                      shortened(state.dump(-1, ' ', false, Json::error_handler_t::replace), 80) + ".",
                           .remedy = "Continue with the schedule of the run that wrote it.",
                           .place = ""});
  }
  if (!needs_validation()) return;
  plateau_ = {.best = std::nullopt, .bad_evaluations = state["bad_evaluations"], .reduction = state["reduction"]};
  if (!state["best"].is_null()) plateau_.best = state["best"].get<double>();
}

}  // namespace graft
