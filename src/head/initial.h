#pragma once

#include <ATen/core/Tensor.h>

#include "graft/core/rng.h"

namespace graft::head {

/// The standard deviation of a last layer's weights, as in BERT: small, so that the first predictions are near uniform.
constexpr double last_layer_deviation = 0.02;

/// Normal with this standard deviation, from the generator alone (Box-Muller).
at::Tensor normal(at::IntArrayRef sizes, double deviation, Rng rng);

}  // namespace graft::head
