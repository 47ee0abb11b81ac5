#include "graph/attention_kernel.h"

#include <algorithm>
#include <type_traits>

#include "graph/vector_math.h"

namespace graft::graph {
namespace {

constexpr std::int64_t rows = 4;      // of a tile,
constexpr std::int64_t columns = 16;  // as many as keep the processor's units busy without leaving its registers

constexpr std::int64_t padded(std::int64_t size) { return (size + columns - 1) / columns * columns; }

/// The arithmetic on vectors of `lanes` floats.
template <int lanes>
struct Kernel : VectorMath<lanes> {
  using Vector = typename Vectors<lanes>::Floats;
  using Access<lanes>::at;
  using VectorMath<lanes>::exponential;
  static constexpr std::int64_t parts = columns / lanes;

  /// to[r, 0:columns] = factor * sum over k of a[r][k] b[k, 0:columns]; rows of b and of the result lie `stride` and `to_stride` apart.
  GRAFT_INLINE void product(const float* const (&a)[rows], const float* b, std::int64_t stride, std::int64_t depth, float factor, float* to,
                            std::int64_t to_stride) {
    Vector sum[rows][parts];
#pragma GCC unroll 4
    for (std::int64_t r = 0; r < rows; ++r) {
#pragma GCC unroll 4
      for (std::int64_t part = 0; part < parts; ++part) sum[r][part] = Vector{};
    }
    for (std::int64_t k = 0; k < depth; ++k) {
#pragma GCC unroll 4
      for (std::int64_t part = 0; part < parts; ++part) {
        const Vector row = at(b + k * stride + part * lanes);
#pragma GCC unroll 4
        for (std::int64_t r = 0; r < rows; ++r) sum[r][part] += a[r][k] * row;
      }
    }
#pragma GCC unroll 4
    for (std::int64_t r = 0; r < rows; ++r) {
#pragma GCC unroll 4
      for (std::int64_t part = 0; part < parts; ++part) at(to + r * to_stride + part * lanes) = sum[r][part] * factor;
    }
  }

  /// Scores of one row become weights whose sum is 1.
  GRAFT_INLINE void softmax(float* scores, std::int64_t count) {
    const std::int64_t size = padded(count);
    for (std::int64_t j = count; j < size; ++j) scores[j] = scores[0];
    Vector highest = at(scores);
    for (std::int64_t j = lanes; j < size; j += lanes) highest = at(scores + j) > highest ? at(scores + j) : highest;
    float largest = highest[0];
    for (int lane = 1; lane < lanes; ++lane) largest = std::max(largest, highest[lane]);
    for (std::int64_t j = count; j < size; ++j) scores[j] = largest - 100;  // padding weighs nothing
    Vector sums{};
    for (std::int64_t j = 0; j < size; j += lanes) {
      at(scores + j) -= largest;
      exponential(scores + j);
      sums += at(scores + j);
    }
    float sum = 0;
    for (int lane = 0; lane < lanes; ++lane) sum += sums[lane];
    for (std::int64_t j = 0; j < size; j += lanes) at(scores + j) *= 1 / sum;
  }

  /// Whole rows of queries as floats: where they lie, or in `place`.
  GRAFT_INLINE const float* widened(const float* row, std::int64_t, float*) { return row; }
  GRAFT_INLINE const float* widened(const c10::BFloat16* row, std::int64_t width, float* place) {
    for (std::int64_t d = 0; d < width; ++d) place[d] = row[d];
    return place;
  }

  /// One row of a tile, `count` of its columns, to the result.
  GRAFT_INLINE void store(const float* tile, std::int64_t count, float* to) {
    for (std::int64_t c = 0; c < count; ++c) to[c] = tile[c];
  }
  GRAFT_INLINE void store(const float* tile, std::int64_t count, c10::BFloat16* to) {
    std::int64_t c = 0;
    for (; c + lanes <= count; c += lanes) Access<lanes>::store(to + c, at(tile + c));
    for (; c < count; ++c) to[c] = tile[c];
  }

  template <class Number>
  GRAFT_INLINE void run(const AttentionTask<Number>& task, float* scratch) {
    const std::int64_t keys = padded(task.keys), width = padded(task.width);
    float* turned = scratch;                     // k transposed, [D, padded M]
    float* values = turned + task.width * keys;  // v, [M, padded D]
    float* scores = values + task.keys * width;  // [rows, padded M]
    float* queries = scores + rows * keys;       // [rows, padded D]
    for (std::int64_t start = 0; start < keys; start += columns) {
      const std::int64_t present = std::min(columns, task.keys - start);
      for (std::int64_t d = 0; d < task.width; ++d) {
        float* row = turned + d * keys + start;
        for (std::int64_t j = 0; j < present; ++j) row[j] = task.k[start + j][d];
      }
    }
    for (std::int64_t j = 0; j < task.keys; ++j) {
      for (std::int64_t d = 0; d < task.width; ++d) values[j * width + d] = task.v[j][d];
    }
    float tile[rows * columns];
    const float* from[rows];
    for (std::int64_t i = 0; i < task.queries; i += rows) {
      const std::int64_t present = std::min(rows, task.queries - i);
      for (std::int64_t r = 0; r < rows; ++r) from[r] = widened(task.q[i + std::min(r, present - 1)], task.width, queries + r * width);
      for (std::int64_t j = 0; j < keys; j += columns) product(from, turned + j, keys, task.width, task.scale, scores + j, keys);
      for (std::int64_t r = 0; r < present; ++r) {
        if (task.mask.data != nullptr) {
          for (std::int64_t j = 0; j < task.keys; ++j) scores[r * keys + j] += task.mask[i + r][j];
        }
        softmax(scores + r * keys, task.keys);
      }
      for (std::int64_t r = 0; r < rows; ++r) from[r] = scores + std::min(r, present - 1) * keys;
      for (std::int64_t d = 0; d < width; d += columns) {
        Number* to = task.out + i * task.out_stride + d;
        if constexpr (std::is_same_v<Number, float>) {
          if (present == rows && d + columns <= task.width) {
            product(from, values + d, width, task.keys, 1, to, task.out_stride);
            continue;
          }
        }
        product(from, values + d, width, task.keys, 1, tile, columns);
        for (std::int64_t r = 0; r < present; ++r) store(tile + r * columns, std::min(columns, task.width - d), to + r * task.out_stride);
      }
    }
  }
};

template <class Number>
void run_plain(const AttentionTask<Number>& task, float* scratch) {
  Kernel<4>::run(task, scratch);
}

#if defined(__x86_64__)
template <class Number>
[[gnu::target("avx2,fma")]] void run_avx2(const AttentionTask<Number>& task, float* scratch) {
  Kernel<8>::run(task, scratch);
}
template <class Number>
[[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,fma")]] void run_avx512(const AttentionTask<Number>& task, float* scratch) {
  Kernel<16>::run(task, scratch);
}
#endif

template <class Number>
using Function = void (*)(const AttentionTask<Number>&, float*);

template <class Number>
Function<Number> kernel_of_processor() {
#if defined(__x86_64__)
  return widest<Function<Number>>(run_avx512<Number>, run_avx2<Number>, run_plain<Number>);
#else
  return run_plain<Number>;
#endif
}

}  // namespace

std::int64_t attention_scratch(std::int64_t keys, std::int64_t width) {
  return width * padded(keys) + keys * padded(width) + rows * padded(keys) + rows * padded(width);
}

void attend(const AttentionTask<float>& task, float* scratch) {
  static const auto kernel = kernel_of_processor<float>();
  kernel(task, scratch);
}

void attend(const AttentionTask<c10::BFloat16>& task, float* scratch) {
  static const auto kernel = kernel_of_processor<c10::BFloat16>();
  kernel(task, scratch);
}

}  // namespace graft::graph
