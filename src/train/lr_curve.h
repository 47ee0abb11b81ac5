#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace graft::train {

/// An exponential average that is not drawn towards 0 at its start.
class Smoothing {
 public:
  explicit Smoothing(double share) : share_(share) {}
  double operator()(double value) {
    sum_ = share_ * sum_ + (1 - share_) * value;
    weight_ = share_ * weight_ + (1 - share_);
    return sum_ / weight_;
  }

 private:
  double share_, sum_ = 0, weight_ = 0;
};

/// Where a loss falls, in steps: the last one with half of the fall before it, the one where it falls fastest, the one where it is lowest.
struct Fall {
  std::size_t halfway = 0, steepest = 0, lowest = 0;
};

/// The fall of a smoothed loss from its highest value to its lowest; nothing if that is no more than losses differ from step to step. The
/// first tenth of the steps, where few values are averaged, does not count.
std::optional<Fall> find_fall(std::span<const double> losses, std::span<const double> smoothed);

}  // namespace graft::train
