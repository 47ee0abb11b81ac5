#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "graft/core/api.h"
#include "graft/core/fields.h"

namespace graft {

/// How a sequence or a picture becomes one vector. Pooling has no parameters, so it belongs to the frozen part: what is kept of a sample
/// is [D] and not [L, D].
enum class Pooling {
  /// As the backbone gives it.
  None,
  /// [N, L, D] to [N, D]: the first position ([CLS]).
  FirstToken,
  /// [N, L, D] to [N, D]: the mean over positions whose mask is not 0.
  MeanTokens,
  /// [N, L, D] to [N, D]: the largest value over positions whose mask is not 0.
  MaxTokens,
  /// [N, C, H, W] to [N, C].
  MeanPixels,
};

/// What a head reads of a backbone.
struct Feature {
  /// The name under which forward() finds it.
  std::string name;
  /// An output of the backbone; "output" is the only or the first one.
  std::string from = "output";
  Pooling pooling = Pooling::None;
  /// `from` names a field of the batch, such as "input_ids", which comes as it is.
  bool input = false;
  /// The batch field [N, L] that says which positions are real; absent in a batch: all are. With Pooling::None it is a feature itself.
  std::string mask = {};
  /// Scale the vectors (the last dimension) to length 1 after pooling, as sentence encoders are compared; one of length 0 stays as it is.
  bool unit_length = false;
};

/// Applies the pooling; `mask` may be null. Throws ModelError if `values` has another number of dimensions than the pooling takes.
GRAFT_API at::Tensor pool(const at::Tensor& values, Pooling pooling, const at::Tensor* mask = nullptr);

/// "mean_tokens" and back. Throws ConfigError that lists the names.
GRAFT_API std::string pooling_name(Pooling pooling);
GRAFT_API Pooling pooling_from(const std::string& name);

}  // namespace graft
