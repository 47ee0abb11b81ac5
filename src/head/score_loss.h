#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "graft/core/fields.h"

namespace graft::head {

/// The loss of a batch, its mean or its sum, as a function of the scores alone, with its derivative by formula.
class ScoreLoss {
 public:
  virtual ~ScoreLoss() = default;
  /// The loss, a scalar that stays valid until the next call; writes its derivative by the scores, [N, C].
  virtual const at::Tensor& operator()(const at::Tensor& scores, const Fields& targets, at::Tensor& derivative) = 0;
};

struct CrossEntropyOptions {
  /// Of each class, [C]; undefined: all 1.
  at::Tensor weights = {};
  /// Share of the target spread evenly over all classes; 0: none.
  double label_smoothing = 0.0;
  /// See focal.h; 0: plain cross-entropy.
  double focal_gamma = 0.0;
  /// The sum over the batch; else its mean: divided by the classes' weights, for shares by the rows.
  bool summed = false;
};
/// Softmax cross-entropy against "label", class numbers [N] or shares of the classes [N, C].
std::unique_ptr<ScoreLoss> cross_entropy_loss(const CrossEntropyOptions& options);

struct BinaryCrossEntropyOptions {
  /// Weighs the labels' share of ones, [C]; undefined: all 1.
  at::Tensor positive = {};
  /// See focal.h; 0: plain cross-entropy.
  double focal_gamma = 0.0;
  /// The sum over the batch; else its mean over rows and labels.
  bool summed = false;
};
/// Sigmoid cross-entropy against "labels" [N, C].
std::unique_ptr<ScoreLoss> binary_cross_entropy_loss(const BinaryCrossEntropyOptions& options);

}  // namespace graft::head
