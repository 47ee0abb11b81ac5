#pragma once

#include <ATen/core/Tensor.h>

namespace graft::graph {

/// gelu(x + bias) by the error function, for x [..., W] and a bias [W], with gradients of both: a linear layer leaves its bias to it, which
/// saves the pass that writes the bias under the product's result and the one that sums its gradient. One kernel in float32 and bfloat16 on
/// the CPU where W is a multiple of 32, in float to 2e-7; elsewhere LibTorch's operators.
at::Tensor biased_gelu(const at::Tensor& x, const at::Tensor& bias);

/// The name under which graphs call it; makes it known to TorchScript.
const char* biased_gelu_operator();

}  // namespace graft::graph
