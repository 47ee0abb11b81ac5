#include "optim/lbfgs.h"

#include <cmath>
#include <deque>
#include <limits>

namespace graft::optim {
namespace {

using Eigen::VectorXd;

/// The last steps and changes of the gradient, which stand for the inverse Hessian.
class History {
 public:
  explicit History(int size) : size_(static_cast<std::size_t>(size)) {}

  void add(VectorXd step, VectorXd change) {
    const double curvature = step.dot(change);
    if (curvature <= 1e-12 * step.norm() * change.norm()) return;  // would make the estimate indefinite
    if (pairs_.size() == size_) pairs_.pop_front();
    pairs_.push_back({std::move(step), std::move(change), curvature});
  }

  VectorXd direction(const VectorXd& gradient) const {
    VectorXd q = -gradient;
    std::vector<double> alphas(pairs_.size());
    for (std::size_t i = pairs_.size(); i-- > 0;) {
      alphas[i] = pairs_[i].step.dot(q) / pairs_[i].curvature;
      q -= alphas[i] * pairs_[i].change;
    }
    if (!pairs_.empty()) q *= pairs_.back().curvature / pairs_.back().change.squaredNorm();
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const double beta = pairs_[i].change.dot(q) / pairs_[i].curvature;
      q += (alphas[i] - beta) * pairs_[i].step;
    }
    return q;
  }

  bool empty() const { return pairs_.empty(); }
  void clear() { pairs_.clear(); }

 private:
  struct Pair {
    VectorXd step, change;
    double curvature;
  };
  std::size_t size_;
  std::deque<Pair> pairs_;
};

struct Point {
  VectorXd x, gradient;
  double value = 0;
};

/// A point along `direction` that lowers the value enough and flattens the slope; false if none is found.
bool search(const Objective& objective, const Point& from, const VectorXd& direction, double length, Point& to) {
  const double slope = from.gradient.dot(direction);
  double low = 0, high = std::numeric_limits<double>::infinity();
  for (int trial = 0; trial < 30; ++trial) {
    to.x = from.x + length * direction;
    to.value = objective(to.x, to.gradient);
    if (!(to.value <= from.value + 1e-4 * length * slope)) {
      high = length;
    } else if (to.gradient.dot(direction) < 0.9 * slope) {
      low = length;
    } else {
      return true;
    }
    length = std::isinf(high) ? 2 * low : 0.5 * (low + high);
  }
  return to.value < from.value;
}

}  // namespace

LbfgsReport lbfgs(const Objective& objective, VectorXd& x, const LbfgsOptions& options) {
  Point at{x, VectorXd(x.size()), 0}, next{x, VectorXd(x.size()), 0};
  at.value = objective(at.x, at.gradient);
  History history(options.history);
  LbfgsReport report;
  int small_gains = 0;
  while (report.iterations < options.max_iterations && !options.stop.stop_requested()) {
    if (at.gradient.lpNorm<Eigen::Infinity>() <= options.gradient_tolerance) {
      report.converged = true;
      break;
    }
    const VectorXd direction = history.direction(at.gradient);
    const double first_length = history.empty() ? std::min(1.0, 1.0 / at.gradient.norm()) : 1.0;
    if (!search(objective, at, direction, first_length, next)) {
      if (history.empty()) {
        report.converged = true;  // rounding hides any further descent
        break;
      }
      history.clear();
      continue;
    }
    ++report.iterations;
    history.add(next.x - at.x, next.gradient - at.gradient);
    const double gain = at.value - next.value;
    std::swap(at, next);
    small_gains = gain <= options.value_tolerance * std::abs(at.value) ? small_gains + 1 : 0;
    if (small_gains == 2) {
      report.converged = true;
      break;
    }
  }
  x = at.x;
  report.value = at.value;
  return report;
}

}  // namespace graft::optim
