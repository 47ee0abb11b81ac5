#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/network.h"

namespace graft::graph {

struct FastForm {
  std::optional<Network> network;
  /// Where there is none: the reason.
  std::string why;
};

/// Which kernels serve best: from what the processor has, never from a stopwatch, so that runs repeat.
struct Kernels {
  /// Linear layers by oneDNN, with packed weights. It compiles a kernel for each number of rows, which pays with AVX-512; with AVX2 only,
  /// MKL's products, which LibTorch takes by itself, are faster where every batch has another size.
  bool onednn_linears = false;
  /// Layers, and what lies between them, in bfloat16.
  bool bfloat16 = false;
  static Kernels of_processor(bool bfloat16 = false);
};

/// True where products of bfloat16 numbers have units of their own: AVX-512 BF16 or AMX, or a GPU since Ampere. Elsewhere they are up to
/// ten times slower than float's.
bool is_fast_at_bfloat16(c10::Device device);

/// A network of which nothing trains, as fast as the processor allows: norms folded into the layers before them, products of one input
/// joined, attention in one kernel, and on the CPU oneDNN's kernels with packed weights, activations and sums fused, pictures with channels
/// last. The same arguments and outputs, equal to about 1e-6 (in bfloat16 to 1e-2), which is checked on `example`. It lives in this process
/// only and cannot be saved.
FastForm fast_form(const Network& network, const std::vector<c10::IValue>& example, Kernels kernels = Kernels::of_processor());

}  // namespace graft::graph
