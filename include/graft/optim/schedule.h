#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "graft/core/api.h"

namespace graft {

enum class ScheduleKind { Constant, Linear, Cosine, Polynomial, OneCycle, Plateau };

struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::Linear;
  /// Share of all steps over which the rate rises to the base rate, in [0, 1). One-cycle has its own rise instead.
  double warmup = 0.1;
  /// The factor that linear, cosine and polynomial fall to, in [0, 1].
  double end = 0.0;
  /// Of polynomial, above 0; 1 is linear.
  double power = 1.0;
  /// Of cosine: falls over the steps after the warm-up, of equal length, each from 1 again; at least 1.
  int cycles = 1;
  /// Of one-cycle: share of all steps up to the base rate, in [0, 1); it starts at 1 / div and ends at 1 / (div final_div), both at
  /// least 1.
  double rise = 0.3;
  double div = 25.0;
  double final_div = 1e4;
  /// Of plateau: what the rate is multiplied with, in (0, 1), after more than `patience` (at least 0) evaluations without improvement.
  double decay = 0.1;
  int patience = 2;
  /// Of plateau: a loss improves if it is below (1 - threshold) times the lowest so far; in [0, 1).
  double threshold = 1e-4;
  /// Of plateau: the smallest factor after reductions, in [0, 1]; 0 sets none.
  double floor = 0.0;

  bool operator==(const ScheduleOptions&) const = default;
};

/// A learning rate's course over a run, as a factor of the base rate.
///
/// With W warm-up steps of T: (step + 1) / W while step < W. Then by its kind, with p = (step - W) / (T - W) and e = end:
///   constant     1
///   linear       e + (1 - e) (1 - p)
///   cosine       e + (1 - e) (1 + cos(pi q)) / 2, q = cycles p modulo 1; above one cycle these are the warm restarts of SGDR
///                (Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, 2017)
///   polynomial   e + (1 - e) (1 - p)^power
///   plateau      decay^(reductions so far), at least floor; in the warm-up it multiplies the factor too
/// One-cycle (Smith and Topin, Super-Convergence, 2018) rises along half a cosine wave from 1 / div at step 0 to 1 at step
/// s = max(0, rise T - 1), and falls along another to 1 / (div final_div) at step T - 1.
class GRAFT_API Schedule {
 public:
  using Kind = ScheduleKind;
  /// `warmup` is a share of all steps, in [0, 1). Throws ConfigError outside.
  explicit Schedule(Kind kind = Kind::Linear, double warmup = 0.1);
  /// Throws ConfigError that lists every option out of range, those of other kinds too.
  explicit Schedule(ScheduleOptions options);
  /// "constant", "linear", "cosine", "polynomial", "one-cycle", "plateau": in the order of Kind.
  static const std::vector<std::string>& kinds();
  /// Throws ConfigError that lists the names.
  static Kind kind_from(const std::string& name);

  /// The factor of step 0 <= `step` < `total`.
  double factor(std::int64_t step, std::int64_t total) const;
  /// The step with which the warm-up ends, or that is nearest to one-cycle's peak; 0 if the rate does not rise.
  std::int64_t peak(std::int64_t total) const;

  /// True for plateau: without observe() it stays constant.
  bool needs_validation() const { return options_.kind == Kind::Plateau; }
  /// The validation loss of each evaluation, in their order. Only plateau heeds it; one that is not finite does not improve.
  void observe(double valid_loss);

  /// What observe() has left behind, exactly; an empty object for the kinds that heed nothing.
  nlohmann::json state() const;
  /// Throws CheckpointError if `state` is not one of this kind of schedule; nothing has changed then.
  void restore(const nlohmann::json& state);

  const ScheduleOptions& options() const { return options_; }
  /// One line: "cosine to 0, warm-up 0.1".
  std::string text() const;

 private:
  struct Plateau {
    std::optional<double> best = {};
    int bad_evaluations = 0;
    double reduction = 1.0;
  };

  ScheduleOptions options_;
  Plateau plateau_;
};

}  // namespace graft
