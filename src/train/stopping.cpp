#include "graft/train/stopping.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <sstream>

#include "core/json.h"
#include "core/names.h"
#include "graft/core/error.h"

namespace graft {
namespace {

std::string text_of(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

std::string times(int number, const std::string& what) { return std::to_string(number) + " " + what + (number == 1 ? "" : "s"); }

void require(bool holds, const std::string& message, const std::string& remedy) {
  if (!holds) throw ConfigError({.code = "graft-C018", .message = message, .remedy = remedy, .place = ""});
}

double measured(const std::string& who, const std::string& metric, const EpochRecord& record) {
  std::vector<std::string> names;
  if (record.valid_loss) names.emplace_back("loss");
  for (const auto& [name, value] : record.metrics) names.push_back(name);
  if (std::ranges::find(names, metric) == names.end()) {
    throw ConfigError({.code = "graft-C029",
                       .message = "[" + who + "] the metric \"" + metric + "\" is not measured; there are " + quoted_list(names) + ".",
                       .remedy = did_you_mean(metric, names, "Use one of these names."),
                       .place = ""});
  }
  return metric == "loss" && record.valid_loss ? *record.valid_loss : value_of(record.metrics, metric);
}

bool higher(const std::string& metric, const std::optional<Better>& better) {
  return better ? *better == Better::Higher : higher_is_better(metric);
}

}  // namespace

bool higher_is_better(const std::string& metric) {
  static constexpr std::array<std::string_view, 18> lower{"loss",       "mse",           "mae",      "rmse",     "mape",       "msle",
                                                          "rmsle",      "error",         "errors",   "nll",      "perplexity", "error_rate",
                                                          "divergence", "cross_entropy", "distance", "deviance", "wer",        "cer"};
  std::string name = metric;
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  // A target or an average may come first: "price_mse".
  return std::ranges::none_of(lower, [&](std::string_view word) { return name == word || name.ends_with("_" + std::string(word)); });
}

void Stopping::on_fit_begin(const Model&, const FitPlan&) { reason_.clear(); }

Action Stopping::stop(std::string reason) {
  reason_ = std::move(reason);
  return Action::Stop;
}

EarlyStopping::EarlyStopping(EarlyStoppingOptions options) : options_(std::move(options)) {
  require(options_.patience >= 1, "[EarlyStopping] a patience of at least 1 is wanted, got " + std::to_string(options_.patience) + ".",
          "Leave the callback out to run all epochs.");
  require(options_.min_delta >= 0 && std::isfinite(options_.min_delta),
          "[EarlyStopping] a min_delta of at least 0 is wanted, got " + text_of(options_.min_delta) + ".",
          "Use 0 to take every improvement; its direction follows from the metric.");
}

void EarlyStopping::on_fit_begin(const Model& model, const FitPlan& plan) {
  Stopping::on_fit_begin(model, plan);
  if (plan.first_step == 0) restore(Json());
}

Action EarlyStopping::on_evaluation(const EpochRecord& record) {
  const double value = measured("EarlyStopping", options_.metric, record);
  const bool by_loss = !best_ && !std::isfinite(value) && record.valid_loss.has_value();
  const bool improved = by_loss ? improves(*record.valid_loss, lowest_, /*higher_is_better=*/false)
                                : improves(value, best_, higher(options_.metric, options_.better));
  if (improved) waited_ = 0;
  if (improved || ++waited_ < options_.patience) return Action::Continue;
  const std::optional<double>& best = by_loss ? lowest_ : best_;
  return stop("early stopping: no better \"" + (by_loss ? "loss" : options_.metric) + "\" than " + (best ? text_of(*best) : "NaN") +
              " for " + times(waited_, "evaluation"));
}

bool EarlyStopping::improves(double value, std::optional<double>& best, bool higher_is_better) const {
  const double gain = higher_is_better ? value - best.value_or(value) : best.value_or(value) - value;
  if (!std::isfinite(value) || (best && gain <= options_.min_delta)) return false;
  best = value;
  return true;
}

Json EarlyStopping::state() const {
  const auto number = [](const std::optional<double>& value) { return value ? Json(*value) : Json(); };
  return {{"metric", options_.metric}, {"best", number(best_)}, {"lowest_loss", number(lowest_)}, {"waited", waited_}};
}

void EarlyStopping::restore(const Json& state) {
  best_.reset();
  lowest_.reset();
  waited_ = 0;
  if (!state.is_object() || state.value("metric", "") != options_.metric) return;
  if (!state.at("best").is_null()) best_ = state.at("best").get<double>();
  if (!state.at("lowest_loss").is_null()) lowest_ = state.at("lowest_loss").get<double>();
  waited_ = state.at("waited").get<int>();
}

TimeLimit::TimeLimit(double seconds) : seconds_(seconds) {
  require(seconds_ > 0, "[TimeLimit] more than 0 seconds are wanted, got " + text_of(seconds_) + ".",
          "Leave the callback out to run without a limit.");
}

void TimeLimit::on_fit_begin(const Model& model, const FitPlan& plan) {
  Stopping::on_fit_begin(model, plan);
  if (plan.first_step == 0) before_ = 0;
  begin_ = std::chrono::steady_clock::now();
}

double TimeLimit::elapsed() const {
  return before_ + (begin_ ? std::chrono::duration<double>(std::chrono::steady_clock::now() - *begin_).count() : 0.0);
}

Action TimeLimit::check() {
  if (elapsed() < seconds_) return Action::Continue;
  return stop("time limit: " + text_of(seconds_) + " seconds have passed");
}

Action TimeLimit::on_step(const StepRecord&) { return check(); }
Action TimeLimit::on_evaluation(const EpochRecord&) { return check(); }

Json TimeLimit::state() const { return {{"seconds", elapsed()}}; }
void TimeLimit::restore(const Json& state) { before_ = state.is_object() ? state.value("seconds", 0.0) : 0.0; }

TargetMetric::TargetMetric(std::string metric, double value, std::optional<Better> better)
    : metric_(std::move(metric)), value_(value), better_(better) {
  require(!std::isnan(value_), "[TargetMetric] a value to reach is wanted, got NaN.", "Name a value that the metric can take.");
}

Action TargetMetric::on_evaluation(const EpochRecord& record) {
  const double value = measured("TargetMetric", metric_, record);
  const bool reached = higher(metric_, better_) ? value >= value_ : value <= value_;
  if (!reached) return Action::Continue;
  return stop("target reached: \"" + metric_ + "\" is " + text_of(value) + ", " + text_of(value_) + " was wanted");
}

}  // namespace graft
