#include "graft/optim/linear_solver.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "graft/core/error.h"
#include "optim/lbfgs.h"

namespace graft::optim {
namespace {

// Rows of one forward and backward pass: bounds memory, and is large enough for the matrix products to run at full rate.
constexpr std::int64_t chunk_rows = 16384;

LinearLayer require_linear(const Head& head) {
  if (const auto layer = head.linear()) return *layer;
  throw ModelError({.code = "graft-M015",
                    .message = "[Solver] a head of one linear layer without dropout is wanted.",
                    .remedy = "Train this head with the preset \"full\".",
                    .place = ""});
}

/// The head's mean loss over all rows as a function of its layer's weight and bias, laid out one after the other.
class MeanLoss {
 public:
  MeanLoss(const Head& head, const LinearLayer& layer, const Fields& features, const Fields& targets, double l2)
      : head_(head), layer_(layer), features_(features), targets_(targets), l2_(l2), num_rows_(features[layer.feature].size(0)) {
    for (std::int64_t start = 0; start < num_rows_; start += chunk_rows) {
      const std::int64_t rows = std::min(chunk_rows, num_rows_ - start);
      const auto& [chunk, target] = chunks_.emplace_back(graft::rows(features_, start, rows), graft::rows(targets_, start, rows));
      for (const LossTerm& term : loss_terms(head_, forward(chunk), target, rows)) weights_[term.name] += term.weight.item<double>();
    }
  }

  double operator()(const Eigen::VectorXd& x, Eigen::VectorXd& gradient) {
    set(x);
    layer_.weight.mutable_grad().reset();
    layer_.bias.mutable_grad().reset();
    loss_ = 0;
    for (const auto& [features, targets] : chunks_) {
      const c10::AutoGradMode on(true);
      at::Tensor loss;
      for (const auto& [name, sum] : head_.loss(head_.forward(features), targets)) {
        const at::Tensor term = sum / weights_.at(name);
        loss = loss.defined() ? loss + term : term;
      }
      loss_ += loss.item<double>();
      loss.backward();
    }
    const std::int64_t n = layer_.weight.numel();
    gradient.head(n) = as_vector(layer_.weight.grad()) + l2_ * x.head(n);
    gradient.tail(x.size() - n) = as_vector(layer_.bias.grad());
    return loss_ + 0.5 * l2_ * x.head(n).squaredNorm();
  }

  Eigen::VectorXd start() const {
    Eigen::VectorXd x(layer_.weight.numel() + layer_.bias.numel());
    x << as_vector(layer_.weight), as_vector(layer_.bias);
    return x;
  }

  void set(const Eigen::VectorXd& x) {
    const c10::NoGradGuard no_grad;
    const at::Tensor values = at::from_blob(const_cast<double*>(x.data()), {x.size()}, at::kDouble);
    const std::int64_t n = layer_.weight.numel();
    layer_.weight.copy_(values.narrow(0, 0, n).view_as(layer_.weight));
    layer_.bias.copy_(values.narrow(0, n, x.size() - n).view_as(layer_.bias));
  }

  double loss() const { return loss_; }

 private:
  static Eigen::VectorXd as_vector(const at::Tensor& tensor) {
    const at::Tensor flat = tensor.detach().to(at::kCPU, at::kDouble).contiguous().view(-1);
    return Eigen::Map<const Eigen::VectorXd>(flat.const_data_ptr<double>(), flat.numel());
  }

  Fields forward(const Fields& features) const {
    const c10::NoGradGuard no_grad;
    return head_.forward(features);
  }

  const Head& head_;
  LinearLayer layer_;
  const Fields& features_;
  const Fields& targets_;
  double l2_;
  std::int64_t num_rows_;
  std::vector<std::pair<Fields, Fields>> chunks_;
  std::map<std::string, double> weights_;
  double loss_ = 0;
};

}  // namespace

LinearSolver::LinearSolver(const Head& head, const Fields& features, const Fields& targets, bool standardize)
    : head_(head), layer_(require_linear(head)), features_(features), targets_(targets) {
  const at::Tensor& x = features_[layer_.feature];
  if (standardize) {
    mean_ = x.mean(0);
    // A feature that never changes tells nothing; dividing by one leaves it at zero.
    const at::Tensor deviation = x.std(0, /*unbiased=*/false);
    deviation_ = at::where(deviation > 1e-12, deviation, at::ones_like(deviation));
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
  MeanLoss objective(head_, layer_, features_, targets_, options.l2);
  Eigen::VectorXd x = objective.start();
  const LbfgsReport found =
      lbfgs(std::ref(objective), x, {.max_iterations = options.max_iterations, .value_tolerance = options.tolerance, .stop = options.stop});
  Eigen::VectorXd unused(x.size());
  objective(x, unused);
  layer_.weight.mutable_grad().reset();
  layer_.bias.mutable_grad().reset();
  rescale(false);
  return {found.iterations, objective.loss(), found.converged};
}

}  // namespace graft::optim
