#include "graft/optim/linear_solver.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "graft/core/error.h"
#include "optim/lbfgs.h"
#include "optim/mean_loss.h"

namespace graft::optim {
namespace {

LinearLayer require_linear(const Head& head) {
  if (const auto layer = head.linear()) return *layer;
  throw ModelError({.code = "graft-M015",
                    .message = "[Solver] a head of one linear layer without dropout, under a convex loss, is wanted.",
                    .remedy = "Train this head with the preset \"full\".",
                    .place = ""});
}

}  // namespace

LinearSolver::LinearSolver(const Head& head, const Fields& features, const Fields& targets, bool standardize)
    : head_(head), layer_(require_linear(head)), features_(features), targets_(targets) {
  const at::Tensor& x = features_[layer_.feature];
  if (standardize) {
    mean_ = x.mean(0);
    // A feature that hardly changes beside the others tells nothing but rounding: scaled up like them it would get a huge weight, and the
    // least change of the backbone would throw the scores anywhere.
    const at::Tensor deviation = x.std(0, /*unbiased=*/false), least = 1e-3 * deviation.mean();
    deviation_ = at::where(least > 0, deviation.clamp_min(least), at::ones_like(deviation));
    features_.set(layer_.feature, (x - mean_) / deviation_);
  }
}

SolverReport LinearSolver::solve(const SolverOptions& options) {
  const auto rescale = [&](bool to_scaled) {  // W (x - m) / s + b reads x as (W / s) x + (b - (W / s) m)
    if (!mean_.defined()) return;
    const c10::NoGradGuard no_grad;
    if (to_scaled) {
      layer_.bias.add_(layer_.weight.matmul(mean_));
      layer_.weight.mul_(deviation_);
    } else {
      layer_.weight.div_(deviation_);
      layer_.bias.sub_(layer_.weight.matmul(mean_));
    }
  };
  rescale(true);
  LbfgsReport found;
  double loss = 0;
  {
    MeanLoss objective(head_, layer_, features_, targets_, options.l2);
    Eigen::VectorXd x = objective.start();
    found = lbfgs(std::ref(objective), x,
                  {.max_iterations = options.max_iterations, .value_tolerance = options.tolerance, .stop = options.stop});
    Eigen::VectorXd unused(x.size());
    objective(x, unused);
    loss = objective.loss();
  }
  rescale(false);
  return {found.iterations, loss, found.converged};
}

}  // namespace graft::optim
