#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/fields.h"

namespace graft {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// A penalty on the weights, added to the loss. Derive from it for one of your own: add_gradient() is enough.
class GRAFT_API Regularizer {
 public:
  virtual ~Regularizer() = default;

  /// What trains from here on: at the start, and again when more starts to train or when tensors were made anew.
  virtual void begin(const NamedTensors& parameters) { parameters_ = parameters; }
  /// Adds the penalty's gradient to the gradients; a parameter without one is left alone. Between backward(), or LossScaler::unscale(), and
  /// clipping. Returns the penalty, a scalar tensor on their device, over the parameters that have a gradient.
  virtual at::Tensor add_gradient() = 0;
  /// What it is, with its strengths: a resumed run must have the same. Of one's own by default the name of its class.
  virtual std::string text() const;
  /// What begin() and steps left behind and cannot be had again. Nothing, unless overridden.
  virtual Fields state() const { return {}; }
  /// Takes what state() gave, before or after begin(). Throws CheckpointError if it does not fit.
  virtual void restore(const Fields& state);

 protected:
  const NamedTensors& parameters() const { return parameters_; }

 private:
  NamedTensors parameters_;
};

/// L2-SP (Li, Grandvalet and Davoine, Explicit Inductive Bias for Transfer Learning with Convolutional Networks, 2018): weight decay
/// towards the pre-trained weights w0 instead of 0. alpha / 2 * |w - w0|^2 over parameters called "backbone...", beta / 2 * |w|^2 over the
/// others.
///
/// Of a parameter with a sparse gradient, as an embedding gives it, the rows that have one are pulled, in the gradient and in the value.
class GRAFT_API L2Sp : public Regularizer {
 public:
  /// alpha is worth a search, from 0.001 to 1. Throws ConfigError if one is below 0.
  explicit L2Sp(double alpha, double beta = 0.01);

  /// Takes w0 of names that it does not know yet, and keeps those of the others. Throws CheckpointError if one has another shape now.
  void begin(const NamedTensors& parameters) override;
  at::Tensor add_gradient() override;
  std::string text() const override;
  /// w0 by name.
  Fields state() const override;
  void restore(const Fields& state) override;

 private:
  double alpha_, beta_;
  std::map<std::string, at::Tensor> starts_;
};

}  // namespace graft
