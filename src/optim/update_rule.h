#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "graft/optim/optimizer.h"
#include "optim/row_updates.h"

namespace graft {

/// Lists of one update, each with one entry a parameter.
struct UpdateLists {
  std::vector<at::Tensor> parameters, gradients;
  std::array<std::vector<at::Tensor>, 2> moments;
  /// Of rules that count: float32 scalars, counted up already.
  std::vector<at::Tensor> steps;

  void clear();
};

/// The arithmetic of an optimizer.
class Optimizer::Rule {
 public:
  virtual ~Rule() = default;
  virtual const std::string& name() const = 0;
  /// Names of the tensors that it keeps for each parameter, of the parameter's shape and zero at first; at most two.
  virtual const std::vector<std::string>& moments() const = 0;
  /// True if it needs the number of steps of each parameter.
  virtual bool counts() const { return false; }
  virtual void update(UpdateLists& lists, double lr, double weight_decay) const = 0;
};

/// What is kept for a parameter.
struct Optimizer::Slot {
  std::array<at::Tensor, 2> moments;
  at::Tensor steps;
  /// Those that have moments; undefined: all have, in the parameter's own shape.
  KnownRows rows;
};

/// Those of a group that have a gradient; made anew only when gradients are other tensors than in the step before.
struct Optimizer::Moving {
  bool holds(const ParameterGroup& group) const;
  UpdateLists lists;
};

/// Throws ConfigError with a message of the optimizer.
void require_option(bool holds, const std::string& message);

}  // namespace graft
