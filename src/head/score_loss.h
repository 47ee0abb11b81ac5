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

/// Softmax cross-entropy against "label", class numbers [N] or shares of the classes [N, C], weighted by class where `weights` [C] is
/// defined.
std::unique_ptr<ScoreLoss> cross_entropy_loss(const at::Tensor& weights, bool summed);
/// Sigmoid cross-entropy against "labels" [N, C]; `positive` [C], where defined, weighs their share of ones.
std::unique_ptr<ScoreLoss> binary_cross_entropy_loss(const at::Tensor& positive, bool summed);

}  // namespace graft::head
