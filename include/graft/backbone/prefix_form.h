#pragma once

namespace graft {

/// How the frozen part of a model is computed.
enum class PrefixForm {
  /// The processor's fastest kernels; outputs within 1e-5 of the network's as it was loaded, relative.
  Fast,
  /// The network's own operators.
  Exact,
};

}  // namespace graft
