#pragma once

#include <Eigen/Core>
#include <functional>
#include <stop_token>

namespace graft::optim {

struct LbfgsOptions {
  int max_iterations = 500;
  /// Ends when no entry of the gradient is larger.
  double gradient_tolerance = 1e-5;
  /// Ends when two iterations in a row lower the value by less than this share of it: one alone may be a poor step.
  double value_tolerance = 1e-9;
  /// Steps remembered.
  int history = 10;
  std::stop_token stop = {};
};

struct LbfgsReport {
  int iterations = 0;
  double value = 0;
  /// False if it ended by max_iterations or a stop.
  bool converged = false;
};

/// Sets the gradient and returns the value at x.
using Objective = std::function<double(const Eigen::VectorXd& x, Eigen::VectorXd& gradient)>;

/// Minimizes a smooth function from `x`, which becomes the best point found: limited-memory BFGS (Nocedal, 1980) with a line search for the
/// weak Wolfe conditions by bisection (Lewis and Overton, 2013).
LbfgsReport lbfgs(const Objective& objective, Eigen::VectorXd& x, const LbfgsOptions& options = {});

}  // namespace graft::optim
