#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace graft::graph {

/// Layer norm over the last dimension of dropout(x + x_bias, p) + residual, as blocks of transformers end: a linear layer leaves its bias
/// to it, which saves a pass over its result and one over its gradient. On the CPU it is one pass, forward and backward, where x is float32
/// or bfloat16 and the rest float32; what is dropped is worked out again in the backward pass.
at::Tensor residual_norm(const at::Tensor& x, const std::optional<at::Tensor>& x_bias, const at::Tensor& residual,
                         const std::optional<at::Tensor>& weight, const std::optional<at::Tensor>& bias, double epsilon, double p);

}  // namespace graft::graph
