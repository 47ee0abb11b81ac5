#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace graft::graph {

/// Arguments of scaled_dot_product_attention after q, k and v.
struct AttentionOptions {
  std::optional<at::Tensor> mask = std::nullopt;
  double p = 0;  // of dropout
  bool causal = false;
  std::optional<double> scale = std::nullopt;
  bool grouped = false;
};

/// drop(softmax(scale q k^T + mask)) v with gradients of q, k and v, for q [N, H, L, D], k and v [N, H, M, D] and a mask that broadcasts to
/// [N, H, L, M] (added, or true where seen). With dropout, and in bfloat16, it is on the CPU a kernel that keeps neither scores nor what
/// was dropped: memory is O(L + M) where LibTorch, which has no kernel with dropout, keeps three tensors [N, H, L, M]. The result and the
/// gradients lie in memory as [N, L, H, D], so that joining the heads copies nothing. Causal and grouped attention, other types and a mask
/// that trains go to LibTorch.
at::Tensor training_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const AttentionOptions& options);

/// The name under which graphs call it, with the arguments of aten::scaled_dot_product_attention; makes it known to TorchScript.
const char* training_attention_operator();

}  // namespace graft::graph
