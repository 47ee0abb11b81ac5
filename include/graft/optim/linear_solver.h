#pragma once

#include <stop_token>

#include "graft/core/api.h"
#include "graft/core/fields.h"
#include "graft/head/head.h"

namespace graft::optim {

struct SolverOptions {
  /// Strength of the penalty l2 / 2 * |W|^2 on the weight that reads the scaled features; the bias is free.
  double l2 = 1e-3;
  int max_iterations = 500;
  /// Ends when two iterations in a row lower the value by less than this share of it.
  double tolerance = 1e-6;
  std::stop_token stop = {};
};

struct SolverReport {
  int iterations = 0;
  /// Mean loss without the penalty.
  double loss = 0;
  /// False if it ended by max_iterations or a stop; the best point found is in the head all the same.
  bool converged = false;
};

/// Sets a head's linear layer to the minimum of its own loss (class weights, smoothing and soft targets included) over all of `features`,
/// plus the penalty: L-BFGS from where the layer stands, so a series of strengths starts warm.
class GRAFT_API LinearSolver {
 public:
  /// `head` must live as long as the solver. With `standardize` features are scaled to mean 0 and variance 1 for solving; the layer found
  /// reads them as they are. Throws ModelError if head.linear() is empty.
  LinearSolver(const Head& head, const Fields& features, const Fields& targets, bool standardize = true);
  SolverReport solve(const SolverOptions& options);

 private:
  const Head& head_;
  LinearLayer layer_;
  Fields features_, targets_;
  at::Tensor mean_, deviation_;  // [D]
};

}  // namespace graft::optim
