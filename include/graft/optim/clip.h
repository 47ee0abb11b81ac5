#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "graft/core/api.h"

namespace graft {

/// How gradients are kept from being too long before a step. `Clip{.kind = Clip::Kind::Values, .limit = 0.5}`.
struct GRAFT_API Clip {
  enum class Kind {
    /// They stay as they are.
    None,
    /// All are scaled by one factor, so that their joint L2 norm is at most the limit (Pascanu et al., On the difficulty of training
    /// recurrent neural networks, 2013). 1 is usual.
    Norm,
    /// Each number is clamped to [-limit, limit].
    Values,
    /// Each unit's gradient is at most `limit` times as long as its weights, or as 1e-3 where they are shorter (Brock et al.,
    /// High-Performance Large-Scale Image Recognition Without Normalization, 2021). A unit is an entry of the first dimension: an output
    /// neuron, a filter, a row of a table; a tensor of fewer than two dimensions is one unit. 0.01 is usual; the paper leaves out the last
    /// layer of a classifier.
    Adaptive,
  };
  Kind kind = Kind::Norm;
  /// Above 0; not read for None.
  double limit = 1.0;

  /// "none", "norm", "values", "adaptive". Throws ConfigError that lists them.
  static Kind kind_from(const std::string& name);
  /// "none", or the kind and the limit: "norm:1". Throws ConfigError for anything else.
  static Clip parse(const std::string& text);
  /// In the form that parse() reads.
  std::string text() const;
  /// Throws ConfigError for a limit out of range.
  void check() const;
  bool operator==(const Clip&) const = default;
};

/// Clips the gradients of these tensors in place; one without a gradient is left alone. Returns their joint L2 norm before, a scalar tensor
/// on their device, without waiting for it. Of a sparse gradient, as an embedding gives it, the rows that it has are clipped; rows that it
/// has twice are added first. Throws ConfigError as check() does.
GRAFT_API at::Tensor clip_gradients(const std::vector<at::Tensor>& parameters, const Clip& clip);

/// Clip::Kind::Norm with this limit; 0 leaves the gradients. Returns the norm before. (torch.nn.utils.clip_grad_norm_)
GRAFT_API at::Tensor clip_grad_norm(const std::vector<at::Tensor>& parameters, double max_norm);

}  // namespace graft
