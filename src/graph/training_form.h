#pragma once

#include <ATen/core/Tensor.h>

#include "graph/network.h"

namespace graft::graph {

/// A network to train, with dropout by dropout() below, on its own and in attention; large embedding tables get sparse gradients, of the
/// rows that were read. Shares its tensors; cannot be saved.
Network training_form(const Network& network);

/// True if forward has a norm over its batch, so that a batch computed in parts gives other outputs in train mode.
bool has_batch_statistics(const Network& network);

/// x with each number set to 0 with probability p, the others divided by 1 - p, as aten::dropout does, in a third of its time on the CPU:
/// LibTorch draws a number of 64 bits for each decision, one thread doing it all, where 16 bits tell p to 1e-5. Draws from the default
/// generator.
at::Tensor dropout(const at::Tensor& x, double p);

}  // namespace graft::graph
