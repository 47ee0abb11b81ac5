#include "graph/attention_mask.h"

#include <ATen/ATen.h>

#include <limits>

namespace graft::graph {

at::Tensor added_mask(const at::Tensor& mask, at::IntArrayRef scores) {
  at::Tensor added = mask;
  if (mask.scalar_type() == at::kBool) {
    added =
        at::zeros(mask.sizes(), mask.options().dtype(at::kFloat)).masked_fill_(mask.logical_not(), -std::numeric_limits<float>::infinity());
  }
  if (added.size(-1) != scores.back()) added = added.expand({-1, -1, -1, scores.back()});
  return (added.stride(-1) == 1 ? added : added.contiguous()).expand(scores);
}

bool is_known_mask(const at::Tensor& mask) {
  // A row of a bool mask without a true gives NaN, as in LibTorch; other types of mask are left to it.
  return mask.dim() == 4 && (mask.scalar_type() == at::kFloat || mask.scalar_type() == at::kBool);
}

}  // namespace graft::graph
