#pragma once

#include <ATen/core/Tensor.h>

#include "graph/dropping.h"

namespace graft::graph {

/// With probability p in (0, 1), by a seed drawn from the default generator; nothing is dropped, and nothing drawn, with p = 0.
Dropping draw_dropping(double p);

/// x with each number set to 0 with probability p, the others divided by 1 - p, as aten::dropout does. On the CPU in one pass, forward and
/// backward: 16 bits tell p to 1e-5, and which numbers are dropped is worked out again in the backward pass from one number that is drawn
/// from the default generator, so that no mask is kept. LibTorch draws 64 bits for each decision in one thread, and makes four passes.
at::Tensor dropout(const at::Tensor& x, double p);

}  // namespace graft::graph
