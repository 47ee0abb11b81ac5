#pragma once

#include <cstdint>
#include <string>

#include "graft/core/api.h"

namespace graft {

/// A learning rate's course over a run, as a factor of the base rate. With W warm-up steps of T: (step + 1) / W while step < W, then by its
/// kind with p = (step - W) / (T - W): constant 1; linear 1 - p; cosine (1 + cos(pi p)) / 2.
class GRAFT_API Schedule {
 public:
  enum class Kind { Constant, Linear, Cosine };
  /// `warmup` is a share of all steps, in [0, 1). Throws ConfigError outside.
  explicit Schedule(Kind kind = Kind::Linear, double warmup = 0.1);
  /// "constant", "linear", "cosine". Throws ConfigError that lists them.
  static Kind kind_from(const std::string& name);

  /// The factor of step 0 <= `step` < `total`.
  double factor(std::int64_t step, std::int64_t total) const;

 private:
  Kind kind_;
  double warmup_;
};

}  // namespace graft
