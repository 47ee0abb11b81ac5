#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/train/callback.h"

namespace graft {

/// Which of two values of a metric is the better one.
enum class Better { Lower, Higher };

/// Whether more of this metric is better: false for losses, errors and distances ("loss", "mae", "price_mse", "hamming_loss"), else true.
GRAFT_API bool higher_is_better(const std::string& metric);

/// A callback that may end a run.
class GRAFT_API Stopping : public Callback {
 public:
  void on_fit_begin(const Model& model, const FitPlan& plan) override;
  /// Why it ended the run; empty if it did not.
  std::string reason() const { return reason_; }

 protected:
  Action stop(std::string reason);

 private:
  std::string reason_;
};

struct EarlyStoppingOptions {
  /// Of validation: "loss" or the name of a metric.
  std::string metric = "loss";
  /// Evaluations in succession without an improvement after which the run ends; at least 1.
  int patience = 3;
  /// What an improvement has to exceed; at least 0.
  double min_delta = 0;
  /// Unset: by higher_is_better().
  std::optional<Better> better = {};
};

/// Ends a run when a validation metric no longer improves. Needs validation data. NaN is no improvement; until a metric is a number for the
/// first time, the loss decides.
class GRAFT_API EarlyStopping final : public Stopping {
 public:
  /// Throws ConfigError if an option is out of range.
  explicit EarlyStopping(EarlyStoppingOptions options = {});
  void on_fit_begin(const Model& model, const FitPlan& plan) override;
  /// Throws ConfigError that lists the metrics if this one is not among them.
  Action on_evaluation(const EpochRecord& record) override;
  std::vector<std::string> reads_metrics() const override { return {options_.metric}; }
  nlohmann::json state() const override;
  /// The state of another metric or callback counts for nothing.
  void restore(const nlohmann::json& state) override;

 private:
  /// True if `value` is better than `best`, which it becomes then.
  bool improves(double value, std::optional<double>& best, bool higher_is_better) const;

  EarlyStoppingOptions options_;
  std::optional<double> best_, lowest_;  // lowest loss
  int waited_ = 0;
};

/// Ends a run at the first step or evaluation after so many seconds. A resumed run counts on from those of the run before.
class GRAFT_API TimeLimit final : public Stopping {
 public:
  /// Throws ConfigError if `seconds` is not above 0.
  explicit TimeLimit(double seconds);
  void on_fit_begin(const Model& model, const FitPlan& plan) override;
  Action on_step(const StepRecord& record) override;
  Action on_evaluation(const EpochRecord& record) override;
  nlohmann::json state() const override;
  /// The state of another callback counts for nothing.
  void restore(const nlohmann::json& state) override;

 private:
  double elapsed() const;
  Action check();

  double seconds_;
  /// Of the runs that this one continues.
  double before_ = 0;
  std::optional<std::chrono::steady_clock::time_point> begin_;
};

/// Ends a run when a validation metric is as good as `value`. Needs validation data; has no state.
class GRAFT_API TargetMetric final : public Stopping {
 public:
  /// `better` unset: by higher_is_better(). Throws ConfigError if `value` is NaN.
  TargetMetric(std::string metric, double value, std::optional<Better> better = {});
  /// Throws ConfigError that lists the metrics if this one is not among them.
  Action on_evaluation(const EpochRecord& record) override;
  std::vector<std::string> reads_metrics() const override { return {metric_}; }

 private:
  std::string metric_;
  double value_;
  std::optional<Better> better_;
};

}  // namespace graft
