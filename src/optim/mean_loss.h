#pragma once

#include <Eigen/Core>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graft/head/head.h"
#include "head/dense_step.h"

namespace graft::optim {

/// A head's mean loss over all rows, plus l2 / 2 |W|^2, as a function of its linear layer's weight W and bias, laid out one after the
/// other. Heads with a loss by formula (score_loss.h) need no autograd. While it lives the head's parameters are those of the last call.
class MeanLoss {
 public:
  MeanLoss(const Head& head, const LinearLayer& layer, const Fields& features, const Fields& targets, double l2);
  ~MeanLoss();
  MeanLoss(const MeanLoss&) = delete;
  MeanLoss& operator=(const MeanLoss&) = delete;

  /// Sets the gradient and returns the value at x.
  double operator()(const Eigen::VectorXd& x, Eigen::VectorXd& gradient);
  /// Where the layer stands.
  Eigen::VectorXd start() const;
  /// At the last x, without the penalty.
  double loss() const { return loss_; }

 private:
  using Chunk = std::pair<Fields, Fields>;  // features, targets
  void set(const Eigen::VectorXd& x);
  /// The share of the whole mean that a chunk gives; adds its gradient.
  double by_formula(const Chunk& chunk, Eigen::VectorXd& gradient);
  double by_autograd(const Chunk& chunk, Eigen::VectorXd& gradient);

  const Head& head_;
  LinearLayer layer_;
  double l2_;
  std::unique_ptr<head::DenseStep> step_;  // null: by autograd
  std::vector<Chunk> chunks_;
  std::map<std::string, double> weights_;  // what each term is a sum over
  double loss_ = 0;
};

}  // namespace graft::optim
