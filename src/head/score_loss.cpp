#include "head/score_loss.h"

#include <ATen/ATen.h>

#include <map>

namespace graft::head {
namespace {

class CrossEntropy final : public ScoreLoss {
 public:
  CrossEntropy(const at::Tensor& weights, bool summed) : reduction_(summed ? at::Reduction::Sum : at::Reduction::Mean) {
    if (weights.defined()) weights_ = weights;
  }

  const at::Tensor& operator()(const at::Tensor& scores, const Fields& targets, at::Tensor& derivative) override {
    Space& space = spaces_[scores.size(0)];
    if (!space.logs.defined()) {
      space.logs = at::empty_like(scores);
      space.d_logs = at::empty_like(scores);
    }
    if (!loss_.defined()) {
      loss_ = at::empty({}, scores.options());
      weight_ = at::empty({}, scores.options());
      one_ = at::ones({}, scores.options());
    }
    const at::Tensor& label = targets["label"];
    at::_log_softmax_out(space.logs, scores, 1, false);
    if (label.dim() == 2) {  // shares of the classes
      const double rows = reduction_ == at::Reduction::Mean ? static_cast<double>(scores.size(0)) : 1.0;
      at::mul_out(space.d_logs, label, weights_ ? *weights_ : one_).div_(-rows);
      loss_ = (space.logs * space.d_logs).sum();
      at::_log_softmax_backward_data_out(derivative, space.d_logs, space.logs, 1, scores.scalar_type());
      return loss_;
    }
    at::nll_loss_forward_out(loss_, weight_, space.logs, label, weights_, reduction_, -100);
    space.d_logs.zero_();
    at::nll_loss_backward_out(space.d_logs, one_, space.logs, label, weights_, reduction_, -100, weight_);
    at::_log_softmax_backward_data_out(derivative, space.d_logs, space.logs, 1, scores.scalar_type());
    return loss_;
  }

 private:
  struct Space {
    at::Tensor logs, d_logs;  // [N, C]
  };
  std::int64_t reduction_;
  std::optional<at::Tensor> weights_;
  at::Tensor loss_, weight_, one_;
  std::map<std::int64_t, Space> spaces_;
};

class BinaryCrossEntropy final : public ScoreLoss {
 public:
  BinaryCrossEntropy(const at::Tensor& positive, bool summed) : positive_(positive), summed_(summed) {}

  const at::Tensor& operator()(const at::Tensor& scores, const Fields& targets, at::Tensor& derivative) override {
    const at::Tensor truth = targets["labels"].to(scores.scalar_type());
    loss_ = at::binary_cross_entropy_with_logits(scores, truth, {}, positive_.defined() ? std::optional(positive_) : std::nullopt,
                                                 summed_ ? at::Reduction::Sum : at::Reduction::Mean);
    // d/ds of -(p t log q + (1 - t) log(1 - q)), q the sigmoid of s: q (1 + (p - 1) t) - p t
    at::sigmoid_out(derivative, scores);
    if (positive_.defined()) {
      derivative.mul_((positive_ - 1) * truth + 1).sub_(positive_ * truth);
    } else {
      derivative.sub_(truth);
    }
    if (!summed_) derivative.div_(static_cast<double>(scores.numel()));
    return loss_;
  }

 private:
  at::Tensor positive_, loss_;
  bool summed_;
};

}  // namespace

std::unique_ptr<ScoreLoss> cross_entropy_loss(const at::Tensor& weights, bool summed) {
  return std::make_unique<CrossEntropy>(weights, summed);
}
std::unique_ptr<ScoreLoss> binary_cross_entropy_loss(const at::Tensor& positive, bool summed) {
  return std::make_unique<BinaryCrossEntropy>(positive, summed);
}

}  // namespace graft::head
