#pragma once

#include <string>

#include "graft/core/api.h"

namespace graft {

/// How the frozen part of a model is computed.
enum class PrefixForm {
  /// The processor's fastest kernels; outputs within 1e-5 of the network's as it was loaded, relative.
  Fast,
  /// The network's own operators in float32, always on the same number of samples at once: a sample's numbers are the same to the bit
  /// whatever it is computed with, stored or in every epoch (where LibTorch's kernels allow it: those of an LSTM depend on gradients).
  Exact,
};

/// The numbers in which a model is computed. Weights that train, and every file, are float32.
enum class Precision {
  /// BFloat16 while a trainer runs, if the processor has units for it and the form is Fast; else Float32.
  Auto,
  Float32,
  /// Layers, and what lies between them, in bfloat16: outputs within 1e-2, relative, in about half of the time where the processor has
  /// units for it, and up to ten times slower where it has not.
  BFloat16,
  /// Of training steps on a GPU, with a loss scaler; the frozen part is Float32 then.
  Float16,
};

/// "auto", "fp32", "bf16", "fp16". Throws ConfigError for others.
GRAFT_API Precision precision_from(const std::string& name);
GRAFT_API std::string precision_name(Precision precision);

}  // namespace graft
