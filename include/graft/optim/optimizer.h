#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/fields.h"

namespace graft {

/// Tensors of one type and device that share their rates.
struct ParameterGroup {
  /// One may be undefined: it trains later, see Optimizer::bind().
  std::vector<at::Tensor> parameters;
  double lr = 1e-3;
  double weight_decay = 0.0;
  /// For people: "encoder.layer.5, no decay".
  std::string name = {};
  /// One for each parameter; empty: "0.0", "0.1", ... by their places.
  std::vector<std::string> names = {};
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

struct LionOptions {
  /// Weights of the momentum in the update, and of the old momentum in the new, in [0, 1).
  double beta1 = 0.9, beta2 = 0.99;
};

/// Steps parameters along their gradients, on LibTorch's fused kernels where there are. A parameter without a gradient is left alone.
///
/// A sparse gradient, of an embedding table of which a batch reads some rows, costs the rows that were read so far, where that is exact:
/// without weight decay a row without a gradient and without moments stays as it is.
class GRAFT_API Optimizer {
 public:
  /// AdamW (Loshchilov and Hutter, 2017), as torch.optim.AdamW. Throws ConfigError for rates out of range and mixed types in a group.
  static Optimizer adamw(std::vector<ParameterGroup> groups, const AdamWOptions& options = {});
  /// As torch.optim.SGD, dampening 0.
  static Optimizer sgd(std::vector<ParameterGroup> groups, const SgdOptions& options = {});
  /// Lion (Chen et al., Symbolic Discovery of Optimization Algorithms, 2023): c = b1 m + (1 - b1) g, w -= lr (sign(c) + decay w),
  /// m = b2 m + (1 - b2) g.
  static Optimizer lion(std::vector<ParameterGroup> groups, const LionOptions& options = {});
  ~Optimizer();
  Optimizer(Optimizer&&) noexcept;
  Optimizer& operator=(Optimizer&&) noexcept;

  /// One update with every group's rate times `factor`, which a schedule gives.
  void step(double factor = 1.0);
  void zero_grad();
  const std::vector<ParameterGroup>& groups() const { return groups_; }
  /// "AdamW", "SGD", "Lion".
  const std::string& kind() const;

  /// Puts these tensors in the place of the parameters of their names, which keep their state; parameters that are not named here rest.
  void bind(const std::vector<std::pair<std::string, at::Tensor>>& parameters);
  /// What further steps depend on, by the parameter's name and the moment's: "head.weight/exp_avg".
  Fields state() const;
  /// Throws CheckpointError that names what does not fit; nothing has changed then.
  void restore(const Fields& state);

 private:
  class Rule;
  class AdamW;
  class Sgd;
  class Lion;
  struct Slot;
  struct Moving;
  Optimizer(std::vector<ParameterGroup> groups, std::unique_ptr<Rule> rule);
  void step_rows(at::Tensor& parameter, Slot& slot, double lr);
  Slot& slot_of(std::size_t group, std::size_t place);

  std::vector<ParameterGroup> groups_;
  std::vector<std::vector<Slot>> slots_;
  std::vector<Moving> moving_;
  std::unique_ptr<Rule> rule_;
};

}  // namespace graft
