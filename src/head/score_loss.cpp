#include "head/score_loss.h"

#include <ATen/ATen.h>

#include <map>

#include "head/focal.h"

namespace graft::head {
namespace {

class CrossEntropy final : public ScoreLoss {
 public:
  explicit CrossEntropy(const CrossEntropyOptions& options)
      : options_(options), reduction_(options.summed ? at::Reduction::Sum : at::Reduction::Mean) {
    if (options.weights.defined()) weights_ = options.weights;
  }

  const at::Tensor& operator()(const at::Tensor& scores, const Fields& targets, at::Tensor& derivative) override {
    Space& space = spaces_[scores.size(0)];
    if (!space.logs.defined()) {
      space.logs = at::empty_like(scores);
      space.d_logs = at::empty_like(scores);
    }
    if (!loss_.defined()) make_constants(scores);
    const at::Tensor& label = targets["label"];
    at::_log_softmax_out(space.logs, scores, 1, false);
    // By the logs, cross-entropy has a derivative that does not depend on them: the weighted targets.
    if (label.dim() == 2) {  // shares of the classes
      const double divisor = options_.summed ? 1.0 : static_cast<double>(scores.size(0));
      at::mul_out(space.d_logs, label, weights_ ? *weights_ : one_).mul_((options_.label_smoothing - 1) / divisor);
      if (options_.label_smoothing > 0) space.d_logs.sub_(spread_ / divisor);
    } else {
      at::nll_loss_forward_out(loss_, weight_, space.logs, label, weights_, reduction_, -100);
      space.d_logs.zero_();
      at::nll_loss_backward_out(space.d_logs, unsmoothed_, space.logs, label, weights_, reduction_, -100, weight_);
      if (options_.label_smoothing > 0) space.d_logs.sub_(options_.summed ? spread_ : spread_ / weight_);
    }
    if (options_.focal_gamma > 0) {
      loss_ = (space.d_logs * focal_logs(space.logs, options_.focal_gamma)).sum();
      space.d_logs.mul_(focal_slopes(space.logs, options_.focal_gamma));
    } else if (label.dim() == 2 || options_.label_smoothing > 0) {
      loss_ = (space.logs * space.d_logs).sum();
    }
    at::_log_softmax_backward_data_out(derivative, space.d_logs, space.logs, 1, scores.scalar_type());
    return loss_;
  }

 private:
  struct Space {
    at::Tensor logs, d_logs;  // [N, C]
  };

  void make_constants(const at::Tensor& scores) {
    loss_ = at::empty({}, scores.options());
    weight_ = at::empty({}, scores.options());
    one_ = at::ones({}, scores.options());
    unsmoothed_ = one_ * (1 - options_.label_smoothing);
    spread_ = (weights_ ? *weights_ : at::ones({scores.size(1)}, scores.options())) * options_.label_smoothing / scores.size(1);
  }

  CrossEntropyOptions options_;
  std::int64_t reduction_;
  std::optional<at::Tensor> weights_;
  at::Tensor loss_, weight_, one_, unsmoothed_;
  at::Tensor spread_;  // [C], what smoothing gives each class of a row's target, weighted
  std::map<std::int64_t, Space> spaces_;
};

class BinaryCrossEntropy final : public ScoreLoss {
 public:
  explicit BinaryCrossEntropy(const BinaryCrossEntropyOptions& options) : options_(options) {}

  const at::Tensor& operator()(const at::Tensor& scores, const Fields& targets, at::Tensor& derivative) override {
    const at::Tensor truth = targets["labels"].to(scores.scalar_type());
    if (options_.focal_gamma > 0) {
      focal(scores, truth, derivative);
    } else {
      plain(scores, truth, derivative);
    }
    if (!options_.summed) derivative.div_(static_cast<double>(scores.numel()));
    return loss_;
  }

 private:
  void plain(const at::Tensor& scores, const at::Tensor& truth, at::Tensor& derivative) {
    const at::Tensor& positive = options_.positive;
    loss_ = at::binary_cross_entropy_with_logits(scores, truth, {}, positive.defined() ? std::optional(positive) : std::nullopt,
                                                 options_.summed ? at::Reduction::Sum : at::Reduction::Mean);
    // d/ds of -(p t log q + (1 - t) log(1 - q)), q the sigmoid of s: q (1 + (p - 1) t) - p t
    at::sigmoid_out(derivative, scores);
    if (positive.defined()) {
      derivative.mul_((positive - 1) * truth + 1).sub_(positive * truth);
    } else {
      derivative.sub_(truth);
    }
  }

  void focal(const at::Tensor& scores, const at::Tensor& truth, at::Tensor& derivative) {
    loss_ = binary_focal_loss(scores, truth, options_.positive, options_.focal_gamma);
    if (!options_.summed) loss_.div_(static_cast<double>(scores.numel()));
    // d log q / ds = 1 - q, and d log(1 - q) / ds = -q
    at::sigmoid_out(derivative, scores);
    derivative.mul_((1 - truth) * focal_slopes(at::log_sigmoid(-scores), options_.focal_gamma));
    const at::Tensor yes = options_.positive.defined() ? truth * options_.positive : truth;
    derivative.sub_(yes * at::sigmoid(-scores) * focal_slopes(at::log_sigmoid(scores), options_.focal_gamma));
  }

  BinaryCrossEntropyOptions options_;
  at::Tensor loss_;
};

}  // namespace

std::unique_ptr<ScoreLoss> cross_entropy_loss(const CrossEntropyOptions& options) { return std::make_unique<CrossEntropy>(options); }
std::unique_ptr<ScoreLoss> binary_cross_entropy_loss(const BinaryCrossEntropyOptions& options) {
  return std::make_unique<BinaryCrossEntropy>(options);
}

}  // namespace graft::head
