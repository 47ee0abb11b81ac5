#pragma once

#include <ATen/core/Tensor.h>

namespace graft::graph {

/// A mask of attention, bool (true where seen) or float (added), as numbers to add to the scores: float, of their sizes [N, H, L, M], its
/// last dimension contiguous and the others without copies where they are broadcast.
at::Tensor added_mask(const at::Tensor& mask, at::IntArrayRef scores);

/// True for what added_mask() takes.
bool is_known_mask(const at::Tensor& mask);

}  // namespace graft::graph
