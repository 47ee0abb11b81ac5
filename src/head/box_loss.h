#pragma once

#include <ATen/core/Tensor.h>

namespace graft::head {

/// Sum over places and classes of the focal loss (Lin et al., 2017; alpha 0.25, gamma 2). `logits` [N, P, C], `labels` [N, P] as BoxTargets
/// has them; what is unknown counts for nothing.
at::Tensor place_loss(const at::Tensor& logits, const at::Tensor& labels);

/// Sum over the places of objects, where `is_object` [N, P] is 1, of 1 - GIoU (Rezatofighi et al., 2019). `sides`, `targets` [N, P, 4]:
/// what BoxTargets::sides is.
at::Tensor side_loss(const at::Tensor& sides, const at::Tensor& targets, const at::Tensor& is_object);

/// How near places lie to the middle of their object, in [0, 1] (Tian et al., FCOS, 2019, formula 3): [N, P] of `targets` [N, P, 4].
at::Tensor centerness(const at::Tensor& targets);

/// Sum over the places of objects of the binary cross-entropy between `logits` [N, P] and their centerness.
at::Tensor centerness_loss(const at::Tensor& logits, const at::Tensor& targets, const at::Tensor& is_object);

}  // namespace graft::head
