#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace graft::graph {

/// The name under which graphs call short_attention(); makes it known to TorchScript.
const char* short_attention_operator();

/// softmax(scale q k^T + mask) v without gradients, for q [N, H, L, D], k and v [N, H, M, D] and a mask that broadcasts to [N, H, L, M]
/// (added, or true where seen). Short sequences on the CPU take a kernel of our own, because LibTorch's works on tiles that they do not
/// fill: up to 32 keys ours takes 0.5 to 0.9 of its time. All others go to scaled_dot_product_attention. The result lies in memory as [N,
/// L, H, D], so that joining the heads copies nothing.
at::Tensor short_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const std::optional<at::Tensor>& mask,
                           std::optional<double> scale);

}  // namespace graft::graph
