#pragma once

#include <ATen/core/Tensor.h>

#include "graft/core/rng.h"

namespace graft::head {

/// Of the same size as `maps` [N, C, h, w]: a kernel [D, C, k, k] of odd k, filled up with zeros at the edges.
at::Tensor convolved(const at::Tensor& maps, const at::Tensor& kernel, const at::Tensor& bias);

/// Uniform with the variance 1 / (C k k), as Kaiming draws for layers without an activation behind them (He et al., 2015).
at::Tensor uniform_kernel(at::IntArrayRef sizes, Rng& rng);

}  // namespace graft::head
