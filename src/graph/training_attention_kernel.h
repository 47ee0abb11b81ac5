#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

#include "graph/attention_kernel.h"
#include "graph/dropping.h"
#include "graph/tiles.h"

namespace graft::graph {

/// One head of one sample, of float or c10::BFloat16; sums are kept in float. With S = scale q k^T + mask [L, M] and P = softmax(S) its
/// result is drop(P) v [L, D].
template <class Number>
struct TrainingAttentionTask {
  Rows<Number> q, k, v;                           // [L, D], [M, D], [M, D]
  Rows<float> mask;                               // [L, M]; without data: none
  std::int64_t queries = 0, keys = 0, width = 0;  // L, M, D
  float scale = 1;
  Dropping dropping;
  std::int64_t number = 0;  // tells apart what the heads drop
};

template <class Number>
struct AttentionGradients {
  Rows<Number> out;         // of the result, given
  Results<Number> q, k, v;  // to be made
};

/// Floats of scratch that a task needs, forward and backward.
std::int64_t training_attention_scratch(std::int64_t keys, std::int64_t width);

/// Makes the result, and `sums` [L]: the logarithm of the sum of e^S of each query. Works on blocks of queries whose scores stay in the
/// cache, with the widest vectors of this processor (Rabe, Staats: Self-attention does not need O(n^2) memory, 2021).
void attend_forward(const TrainingAttentionTask<float>& task, const Results<float>& out, float* sums, float* scratch);
void attend_forward(const TrainingAttentionTask<c10::BFloat16>& task, const Results<c10::BFloat16>& out, float* sums, float* scratch);

/// Works the weights out again, block by block, from `sums` (Dao et al.: FlashAttention, 2022, algorithm 4).
void attend_backward(const TrainingAttentionTask<float>& task, const AttentionGradients<float>& gradients, const float* sums,
                     float* scratch);
void attend_backward(const TrainingAttentionTask<c10::BFloat16>& task, const AttentionGradients<c10::BFloat16>& gradients,
                     const float* sums, float* scratch);

}  // namespace graft::graph
