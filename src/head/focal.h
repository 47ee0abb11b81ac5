#pragma once

#include <ATen/core/Tensor.h>

/// The focal loss of Lin, Goyal, Girshick, He and Dollar: Focal loss for dense object detection, 2017, without alpha: cross-entropy where
/// -log p becomes -(1 - p)^gamma log p, p the probability of what is true. Finite, with finite gradients, for any finite scores; half types
/// are computed with in float32.
namespace graft::head {

/// (1 - p)^gamma log p of `logs` = log p; gamma > 0.
at::Tensor focal_logs(const at::Tensor& logs, double gamma);
/// Its derivative by `logs`.
at::Tensor focal_slopes(const at::Tensor& logs, double gamma);

/// Under softmax, summed over the rows of `scores` [N, C]: -w_y (1 - p_y)^gamma log p_y of class numbers `label` [N]; of shares of the
/// classes [N, C] that of each class, times its share. `weights` w [C] may be undefined.
at::Tensor focal_loss(const at::Tensor& scores, const at::Tensor& label, const at::Tensor& weights, double gamma);

/// Under a sigmoid of each score, q, summed over all of them: -t w (1 - q)^gamma log q - (1 - t) q^gamma log(1 - q) of `labels` t [N, C].
/// `positive` w [C] may be undefined.
at::Tensor binary_focal_loss(const at::Tensor& scores, const at::Tensor& labels, const at::Tensor& positive, double gamma);

}  // namespace graft::head
