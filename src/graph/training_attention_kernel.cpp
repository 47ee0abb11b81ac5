#include "graph/training_attention_kernel.h"

#include <algorithm>
#include <cmath>

#include "graph/tiles.h"
#include "graph/vector_math.h"

namespace graft::graph {
namespace {

// No processor's tiles have more rows, and no vector more lanes.
constexpr std::int64_t most_rows = 8, most_lanes = 16;

template <int lanes>
struct Kernel : Tiles<lanes> {
  using Vector = typename Vectors<lanes>::Floats;
  using Access<lanes>::at;
  using Tiles<lanes>::rows;
  using Tiles<lanes>::pack;
  using Tiles<lanes>::turn;
  using Tiles<lanes>::unpack;
  // Queries of a block. Scores lie turned, [M, block], so that sums over keys go from vector to vector.
  static constexpr std::int64_t block = 2 * lanes;

  template <class Number>
  GRAFT_INLINE Rows<Number> from_row(const Rows<Number>& all, std::int64_t start) {
    return {all[start], all.stride};
  }

  /// Scores of a block of queries, [M, block].
  template <class Number>
  GRAFT_INLINE void scores_of(const TrainingAttentionTask<Number>& task, std::int64_t start, std::int64_t present, const Place& turned_keys,
                              const Place& turned_queries, const Place& scores, std::int64_t columns) {
    Tiles<lanes>::template product<true, false>(turned_keys, turned_queries, task.width, task.scale, scores, turned_keys.stride, columns);
    if (task.mask.data == nullptr) return;
    for (std::int64_t i = 0; i < present; ++i) {
      const float* mask = task.mask[start + i];
      for (std::int64_t j = 0; j < task.keys; ++j) scores.data[j * block + i] += mask[j];
    }
  }

  /// Where the decisions of a key and a block of queries lie: in groups of 32 queries whatever the block.
  template <class Number>
  GRAFT_INLINE std::int64_t drop_place(const TrainingAttentionTask<Number>& task, std::int64_t start, std::int64_t key) {
    const std::int64_t groups = (task.queries + drop_group - 1) / drop_group;
    return ((task.number * groups + start / drop_group) * task.keys + key) * drop_group + start % drop_group;
  }

  /// Scores become what the values are multiplied by.
  template <int parts, class Number>
  GRAFT_INLINE void weigh(const TrainingAttentionTask<Number>& task, std::int64_t start, std::int64_t present, const Place& weights,
                          float* sums) {
    Vector highest[parts], sum[parts], inverse[parts];
    for (int part = 0; part < parts; ++part) {
      highest[part] = at(weights.data + part * lanes);
      sum[part] = Vector{};
    }
    for (std::int64_t j = 1; j < task.keys; ++j) {
#pragma GCC unroll 2
      for (int part = 0; part < parts; ++part) {
        const Vector score = at(weights.data + j * block + part * lanes);
        highest[part] = score > highest[part] ? score : highest[part];
      }
    }
    for (std::int64_t j = 0; j < task.keys; ++j) {
#pragma GCC unroll 2
      for (int part = 0; part < parts; ++part) {
        float* place = weights.data + j * block + part * lanes;
        at(place) -= highest[part];
        VectorMath<lanes>::exponential(place);
        sum[part] += at(place);
      }
    }
    for (int part = 0; part < parts; ++part) inverse[part] = 1 / sum[part];
    float factors[parts * lanes];
    std::fill_n(factors, parts * lanes, 1.0F);
    for (std::int64_t j = 0; j < task.keys; ++j) {
      if (task.dropping.dropped != 0) VectorMath<lanes>::drop_factors(task.dropping, drop_place(task, start, j), parts * lanes, factors);
#pragma GCC unroll 2
      for (int part = 0; part < parts; ++part) at(weights.data + j * block + part * lanes) *= inverse[part] * at(factors + part * lanes);
    }
    for (std::int64_t i = 0; i < present; ++i) sums[i] = highest[i / lanes][i % lanes] + std::log(sum[i / lanes][i % lanes]);
  }

  /// Scores become weights again, dropped ones 0, and `slopes`, the gradient of those, becomes the gradient of q k^T.
  template <int parts, class Number>
  GRAFT_INLINE void weigh_again(const TrainingAttentionTask<Number>& task, std::int64_t start, std::int64_t present, const float* sums,
                                const Place& weights, const Place& slopes, const Place& factors) {
    const bool drops = task.dropping.dropped != 0;
    float own_sums[parts * lanes] = {};
    std::copy_n(sums, present, own_sums);
    Vector mean[parts] = {};
    for (std::int64_t j = 0; j < task.keys; ++j) {
      if (drops) VectorMath<lanes>::drop_factors(task.dropping, drop_place(task, start, j), parts * lanes, factors.data + j * block);
#pragma GCC unroll 2
      for (int part = 0; part < parts; ++part) {
        const std::int64_t place = j * block + part * lanes;
        at(weights.data + place) -= at(own_sums + part * lanes);
        VectorMath<lanes>::exponential(weights.data + place);
        if (drops) at(slopes.data + place) *= at(factors.data + place);
        mean[part] += at(weights.data + place) * at(slopes.data + place);
      }
    }
    for (std::int64_t j = 0; j < task.keys; ++j) {
#pragma GCC unroll 2
      for (int part = 0; part < parts; ++part) {
        const std::int64_t place = j * block + part * lanes;
        at(slopes.data + place) = at(weights.data + place) * (at(slopes.data + place) - mean[part]) * task.scale;
        if (drops) at(weights.data + place) *= at(factors.data + place);
      }
    }
  }

  template <class Number>
  GRAFT_INLINE void forward(const TrainingAttentionTask<Number>& task, const Results<Number>& out, float* sums, float* memory) {
    const std::int64_t keys = rounded(task.keys, rows), width = rounded(task.width, lanes);
    Scratch scratch{memory};
    const Place values = scratch.take(keys, width), turned_keys = scratch.take(task.width, keys), weights = scratch.take(keys, block);
    const Place queries = scratch.take(block, width), turned_queries = scratch.take(task.width, block);
    pack(task.k, task.keys, task.width, values, keys);
    turn(values, keys, task.width, turned_keys);
    pack(task.v, task.keys, task.width, values, keys);
    for (std::int64_t start = 0; start < task.queries; start += block) {
      const std::int64_t present = std::min(block, task.queries - start), columns = rounded(present, lanes);
      pack(from_row(task.q, start), present, task.width, queries, block);
      turn(queries, block, task.width, turned_queries);
      scores_of(task, start, present, turned_keys, turned_queries, weights, columns);
      if (columns == block) {
        weigh<2>(task, start, present, weights, sums + start);
      } else {
        weigh<1>(task, start, present, weights, sums + start);
      }
      Tiles<lanes>::template product<true, false>(weights, values, task.keys, 1, queries, rounded(present, rows), width);
      unpack(queries, present, task.width, Results<Number>{out[start], out.stride});
    }
  }

  template <class Number>
  GRAFT_INLINE void backward(const TrainingAttentionTask<Number>& task, const AttentionGradients<Number>& gradients, const float* sums,
                             float* memory) {
    const std::int64_t keys = rounded(task.keys, rows), width = rounded(task.width, lanes);
    Scratch scratch{memory};
    const Place key_rows = scratch.take(keys, width), turned_keys = scratch.take(task.width, keys),
                turned_values = scratch.take(task.width, keys);
    const Place key_sums = scratch.take(keys, width), value_sums = scratch.take(keys, width);
    const Place weights = scratch.take(keys, block), slopes = scratch.take(keys, block), factors = scratch.take(keys, block);
    const Place queries = scratch.take(block, width), turned_queries = scratch.take(task.width, block);
    const Place given = scratch.take(block, width), turned_given = scratch.take(task.width, block);
    pack(task.v, task.keys, task.width, key_rows, keys);
    turn(key_rows, keys, task.width, turned_values);
    pack(task.k, task.keys, task.width, key_rows, keys);
    turn(key_rows, keys, task.width, turned_keys);
    std::fill_n(key_sums.data, keys * width, 0.0F);
    std::fill_n(value_sums.data, keys * width, 0.0F);
    for (std::int64_t start = 0; start < task.queries; start += block) {
      const std::int64_t present = std::min(block, task.queries - start), columns = rounded(present, lanes);
      pack(from_row(task.q, start), present, task.width, queries, block);
      turn(queries, block, task.width, turned_queries);
      pack(from_row(gradients.out, start), present, task.width, given, block);
      turn(given, block, task.width, turned_given);
      scores_of(task, start, present, turned_keys, turned_queries, weights, columns);
      Tiles<lanes>::template product<true, false>(turned_values, turned_given, task.width, 1, slopes, keys, columns);
      if (columns == block) {
        weigh_again<2>(task, start, present, sums + start, weights, slopes, factors);
      } else {
        weigh_again<1>(task, start, present, sums + start, weights, slopes, factors);
      }
      // What lies beyond the last key is no weight.
      std::fill(weights.data + task.keys * block, weights.data + keys * block, 0.0F);
      std::fill(slopes.data + task.keys * block, slopes.data + keys * block, 0.0F);
      Tiles<lanes>::template product<false, true>(weights, given, columns, 1, value_sums, keys, width);
      Tiles<lanes>::template product<false, true>(slopes, queries, columns, 1, key_sums, keys, width);
      Tiles<lanes>::template product<true, false>(slopes, key_rows, task.keys, 1, queries, rounded(present, rows), width);
      unpack(queries, present, task.width, Results<Number>{gradients.q[start], gradients.q.stride});
    }
    unpack(key_sums, task.keys, task.width, gradients.k);
    unpack(value_sums, task.keys, task.width, gradients.v);
  }
};

#define GRAFT_FORMS(name, target_options, lanes)                                                                                           \
  template <class Number>                                                                                                                  \
  target_options void forward_##name(const TrainingAttentionTask<Number>& task, const Results<Number>& out, float* sums, float* scratch) { \
    Kernel<lanes>::forward(task, out, sums, scratch);                                                                                      \
  }                                                                                                                                        \
  template <class Number>                                                                                                                  \
  target_options void backward_##name(const TrainingAttentionTask<Number>& task, const AttentionGradients<Number>& gradients,              \
                                      const float* sums, float* scratch) {                                                                 \
    Kernel<lanes>::backward(task, gradients, sums, scratch);                                                                               \
  }
GRAFT_FORMS(plain, , 4)
#if defined(__x86_64__)
GRAFT_FORMS(avx2, [[gnu::target("avx2,fma")]], 8)
GRAFT_FORMS(avx512, [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,fma")]], 16)
#endif
#undef GRAFT_FORMS

template <class Number>
void forward(const TrainingAttentionTask<Number>& task, const Results<Number>& out, float* sums, float* scratch) {
#if defined(__x86_64__)
  static const auto kernel = widest(forward_avx512<Number>, forward_avx2<Number>, forward_plain<Number>);
#else
  static const auto kernel = forward_plain<Number>;
#endif
  kernel(task, out, sums, scratch);
}

template <class Number>
void backward(const TrainingAttentionTask<Number>& task, const AttentionGradients<Number>& gradients, const float* sums, float* scratch) {
#if defined(__x86_64__)
  static const auto kernel = widest(backward_avx512<Number>, backward_avx2<Number>, backward_plain<Number>);
#else
  static const auto kernel = backward_plain<Number>;
#endif
  kernel(task, gradients, sums, scratch);
}

}  // namespace

std::int64_t training_attention_scratch(std::int64_t keys, std::int64_t width) {
  const std::int64_t tall = rounded(keys, most_rows), wide = rounded(width, most_lanes), block = 2 * most_lanes;
  return 5 * tall * wide + 3 * tall * block + 4 * block * wide;
}

void attend_forward(const TrainingAttentionTask<float>& task, const Results<float>& out, float* sums, float* scratch) {
  forward(task, out, sums, scratch);
}
void attend_forward(const TrainingAttentionTask<c10::BFloat16>& task, const Results<c10::BFloat16>& out, float* sums, float* scratch) {
  forward(task, out, sums, scratch);
}
void attend_backward(const TrainingAttentionTask<float>& task, const AttentionGradients<float>& gradients, const float* sums,
                     float* scratch) {
  backward(task, gradients, sums, scratch);
}
void attend_backward(const TrainingAttentionTask<c10::BFloat16>& task, const AttentionGradients<c10::BFloat16>& gradients,
                     const float* sums, float* scratch) {
  backward(task, gradients, sums, scratch);
}

}  // namespace graft::graph
