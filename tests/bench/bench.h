#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>

#include "graft/data/dataset.h"
#include "graft/model/model.h"

namespace graft::bench {

/// fp32 GFLOP/s of at::linear on the products of a MiniLM layer, 1024 rows: what the processor gives in this very run. About half a second.
double gemm_rate();

/// What one piece of work needed beside time.
struct Usage {
  double seconds = 0;
  std::int64_t page_faults = 0;
  /// Tensors that LibTorch allocated.
  std::int64_t allocations = 0;
};
Usage measure(const std::function<void()>& work);

double peak_memory_mb();

/// Tokens of a data set, [CLS] and [SEP] with them, no padding.
std::int64_t tokens_of(const Model& model, const Data& data);

/// Prints the result on one line of stdout.
void print(const nlohmann::json& result);

/// FLOPs of a forward pass of the MiniLM-L6 encoder: 2 for each of the weights of `layers` layers, and attention, on real tokens only.
double minilm_flops(std::int64_t tokens, int layers);

}  // namespace graft::bench
