#pragma once

#include <ATen/core/Tensor.h>

#include "graph/network.h"

namespace graft::graph {

/// A network to train, with dropout by dropout.h, on its own and in attention; linear layers of one input as one call (half_linear.h),
/// norms with the sum and dropout before them (residual_norm.h), batch norms with the sum and the activation after them (batch_norm.h);
/// large embedding tables get sparse gradients, of the rows that were read. Shares its tensors; cannot be saved.
Network training_form(const Network& network);

/// True if forward has a norm over its batch, so that a batch computed in parts gives other outputs in train mode.
bool has_batch_statistics(const Network& network);

}  // namespace graft::graph
