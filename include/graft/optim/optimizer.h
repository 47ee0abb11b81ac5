#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "graft/core/api.h"

namespace graft {

/// Tensors of one type and device that share their rates.
struct ParameterGroup {
  std::vector<at::Tensor> parameters;
  double lr = 1e-3;
  double weight_decay = 0.0;
};

struct AdamWOptions {
  /// Decay rates of the moments, in [0, 1).
  double beta1 = 0.9, beta2 = 0.999;
  /// Added to the root of the second moment.
  double epsilon = 1e-8;
};

struct SgdOptions {
  /// 0 switches it off.
  double momentum = 0.9;
  bool nesterov = false;
};

/// Steps parameters along their gradients, on LibTorch's fused kernels. A parameter without a gradient is left alone.
class GRAFT_API Optimizer {
 public:
  /// AdamW (Loshchilov and Hutter, 2017), as torch.optim.AdamW. Throws ConfigError for rates out of range and mixed types in a group.
  static Optimizer adamw(std::vector<ParameterGroup> groups, const AdamWOptions& options = {});
  /// As torch.optim.SGD, dampening 0.
  static Optimizer sgd(std::vector<ParameterGroup> groups, const SgdOptions& options = {});
  ~Optimizer();
  Optimizer(Optimizer&&) noexcept;
  Optimizer& operator=(Optimizer&&) noexcept;

  /// One update with every group's rate times `factor`, which a schedule gives.
  void step(double factor = 1.0);
  void zero_grad();
  const std::vector<ParameterGroup>& groups() const { return groups_; }

 private:
  class Rule;
  class AdamW;
  class Sgd;
  Optimizer(std::vector<ParameterGroup> groups, std::unique_ptr<Rule> rule);
  /// Those of a group that have a gradient; made anew only when gradients are other tensors than in the step before.
  struct Moving {
    bool holds(const ParameterGroup& group) const;
    void take(const ParameterGroup& group);
    std::vector<at::Tensor> parameters, gradients;
  };

  std::vector<ParameterGroup> groups_;
  std::vector<Moving> moving_;
  std::unique_ptr<Rule> rule_;
};

/// Scales the gradients of these tensors down so that their joint L2 norm is at most `max_norm`; 0 leaves them. Returns the norm before, a
/// scalar tensor on their device, without waiting for it. (torch.nn.utils.clip_grad_norm_)
GRAFT_API at::Tensor clip_grad_norm(const std::vector<at::Tensor>& parameters, double max_norm);

}  // namespace graft
