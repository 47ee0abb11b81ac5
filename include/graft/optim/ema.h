#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/fields.h"

namespace graft {

/// Averages of tensors over the steps of a run, which often generalize better than their last values (Polyak and Juditsky, Acceleration of
/// Stochastic Approximation by Averaging, 1992): after each step, average += (1 - d) (value - average).
class GRAFT_API Ema {
 public:
  /// d is the smaller of `decay`, in (0, 1), and (1 + t) / (10 + t) after t updates, so that short runs forget their start. Throws
  /// ConfigError outside.
  explicit Ema(double decay);
  Ema(Ema&&) noexcept = default;
  Ema& operator=(Ema&&) noexcept = default;

  /// Averages these tensors from here on, and no others. One of a name and shape that it knows keeps its average, whatever tensor now holds
  /// the value and wherever; the average of another starts at its value. Integers are copied, not averaged.
  void follow(std::vector<std::pair<std::string, at::Tensor>> live);
  /// After each step.
  void update();
  /// Exchanges values and averages in place; a second call exchanges them back, to the bit. Between the two only state() may be called.
  void swap();
  std::int64_t updates() const { return updates_; }

  /// The averages by name, not copied, and "updates".
  Fields state() const;
  /// Of the tensors that it follows. Throws CheckpointError that names what is missing, surplus or of another shape; nothing has changed
  /// then.
  void restore(const Fields& state);

 private:
  double decay_;
  std::int64_t updates_ = 0;
  bool swapped_ = false;
  /// Side by side; the first `num_floating_` are averaged.
  std::vector<std::string> names_;
  std::vector<at::Tensor> live_, averages_;
  std::size_t num_floating_ = 0;
};

/// The averages in the place of the values while it lives, to evaluate or save them.
class GRAFT_API AveragedValues {
 public:
  explicit AveragedValues(Ema& ema) : ema_(ema) { ema_.swap(); }
  ~AveragedValues() { ema_.swap(); }
  AveragedValues(const AveragedValues&) = delete;
  AveragedValues& operator=(const AveragedValues&) = delete;

 private:
  Ema& ema_;
};

}  // namespace graft
