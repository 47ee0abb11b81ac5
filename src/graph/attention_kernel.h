#pragma once

#include <cstdint>

namespace graft::graph {

/// Rows of one head of one sample; within a row values lie together.
struct Rows {
  const float* data = nullptr;
  std::int64_t stride = 0;
  const float* operator[](std::int64_t row) const { return data + row * stride; }
};

struct AttentionTask {
  Rows q, k, v;  // [L, D], [M, D], [M, D]
  Rows mask;     // [L, M], added to the scores; without data: none
  float* out = nullptr;
  std::int64_t out_stride = 0;
  std::int64_t queries = 0, keys = 0, width = 0;  // L, M, D
  float scale = 1;
};

/// Floats of scratch that a task needs.
std::int64_t attention_scratch(std::int64_t keys, std::int64_t width);

/// out = softmax(scale q k^T + mask) v, [L, D], with the widest vectors of this processor.
void attend(const AttentionTask& task, float* scratch);

}  // namespace graft::graph
