#pragma once

#include <ATen/core/Tensor.h>

#include <limits>
#include <optional>

namespace graft::graph {

/// What aten::batch_norm takes, and what is done to its output at once.
struct BatchNorm {
  std::optional<at::Tensor> weight = std::nullopt, bias = std::nullopt;
  /// Moved in training, as aten::batch_norm moves them: the variance without bias.
  std::optional<at::Tensor> running_mean = std::nullopt, running_variance = std::nullopt;
  bool train = false;
  double momentum = 0.1;
  double epsilon = 1e-5;
  bool cudnn = true;
  /// Added to the output.
  std::optional<at::Tensor> residual = std::nullopt;
  /// What is then cut off: below 0 for ReLU, also above 6 for ReLU6.
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  /// The gradient passes where the output is low or high itself, as in aten::clamp; ReLU stops it there.
  bool passes_at_limits = false;
};

/// Batch norm, sum and activation. In training on the CPU, where x is float32 or bfloat16 [N, C, H, W] with its channels last, they are two
/// passes over memory, forward and backward, whose sums do not depend on the number of threads; of what lies in between nothing is kept.
/// Elsewhere LibTorch's operators one after the other.
at::Tensor batch_norm(const at::Tensor& x, const BatchNorm& norm);

}  // namespace graft::graph
