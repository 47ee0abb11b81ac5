#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "graft/core/api.h"

namespace graft {

struct LossScalerOptions {
  /// The first scale, above 0.
  double init_scale = 65536.0;
  /// The scale is multiplied by it after `growth_interval` finite steps in a row, at least 1.
  double growth = 2.0;
  /// The scale is multiplied by it after a step that was not finite, in (0, 1).
  double backoff = 0.5;
  /// Steps, at least 1.
  std::int64_t growth_interval = 2000;
};

/// Keeps gradients that pass through float16 from vanishing: the loss is multiplied by a large number, the gradients divided by it, and the
/// number grows until gradients overflow (Micikevicius et al., Mixed Precision Training, 2018), as torch.amp.GradScaler does it. bfloat16
/// needs none.
///
///     scaler.scale(loss).backward();
///     if (scaler.unscale(parameters)) optimizer.step();
///     scaler.update();
class GRAFT_API LossScaler {
 public:
  /// Throws ConfigError for options out of range.
  explicit LossScaler(const LossScalerOptions& options = {});
  /// Not copied: two that go on from one scale are not one state.
  LossScaler(LossScaler&&) noexcept = default;
  LossScaler& operator=(LossScaler&&) noexcept = default;

  /// The loss times the scale, with autograd.
  at::Tensor scale(const at::Tensor& loss) const;
  /// Divides the gradients of these tensors by the scale, once in a step. False if a number is not finite: the step is then to be left out.
  /// Waits for the device.
  bool unscale(const std::vector<at::Tensor>& parameters);
  /// Adapts the scale to what unscale() found since the last update; without it, nothing.
  void update();

  /// The scale, for logs.
  double current() const;
  /// Between steps: what further ones depend on.
  nlohmann::json state() const;
  /// Throws CheckpointError if it is no such state; nothing has changed then.
  void restore(const nlohmann::json& state);

 private:
  LossScalerOptions options_;
  /// On the CPU: float32 and int32 scalars, as LibTorch's kernels want them.
  at::Tensor scale_, growth_tracker_;
  std::optional<bool> finite_;
};

}  // namespace graft
