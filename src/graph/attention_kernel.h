#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

namespace graft::graph {

/// Rows of one head of one sample; within a row values lie together.
template <class Number>
struct Rows {
  const Number* data = nullptr;
  std::int64_t stride = 0;
  const Number* operator[](std::int64_t row) const { return data + row * stride; }
};

/// Of float or c10::BFloat16; sums are kept in float.
template <class Number>
struct AttentionTask {
  Rows<Number> q, k, v;  // [L, D], [M, D], [M, D]
  Rows<float> mask;      // [L, M], added to the scores; without data: none
  Number* out = nullptr;
  std::int64_t out_stride = 0;
  std::int64_t queries = 0, keys = 0, width = 0;  // L, M, D
  float scale = 1;
};

/// Floats of scratch that a task needs.
std::int64_t attention_scratch(std::int64_t keys, std::int64_t width);

/// out = softmax(scale q k^T + mask) v, [L, D], with the widest vectors of this processor.
void attend(const AttentionTask<float>& task, float* scratch);
void attend(const AttentionTask<c10::BFloat16>& task, float* scratch);

}  // namespace graft::graph
