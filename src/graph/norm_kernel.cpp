#include "graph/norm_kernel.h"

#include <cmath>

#include "graph/vector_math.h"
#include "graph/widest_kernel.h"

namespace graft::graph {
namespace {

template <int lanes>
struct Kernel : VectorMath<lanes> {
  using Vector = typename Vectors<lanes>::Floats;
  using Access<lanes>::at;
  using VectorMath<lanes>::drop_factors;

  /// A block of numbers by their place in the tensor, as dropout.cpp decides.
  GRAFT_INLINE void drop(float* block, std::int64_t place, const Dropping& dropping) {
    if (dropping.dropped == 0) return;
    float factors[norm_block];
    drop_factors(dropping, place, norm_block, factors);
    for (std::int64_t j = 0; j < norm_block; j += lanes) at(block + j) *= at(factors + j);
  }

  template <class Number>
  GRAFT_INLINE void row(const NormTask<Number>& task, std::int64_t index) {
    const std::int64_t start = index * task.width;
    float* sums = task.normalized + start;
    Vector total{};
    for (std::int64_t i = 0; i < task.width; i += norm_block) {
      float block[norm_block];
      for (std::int64_t j = 0; j < norm_block; j += lanes) {
        Access<lanes>::load(task.x + start + i + j, block + j);
        if (task.x_bias != nullptr) at(block + j) += at(task.x_bias + i + j);
      }
      drop(block, start + i, task.dropping);
      for (std::int64_t j = 0; j < norm_block; j += lanes) {
        const Vector sum = at(block + j) + at(task.residual + start + i + j);
        at(sums + i + j) = sum;
        total += sum;
      }
    }
    const auto count = static_cast<float>(task.width);
    const float mean = Access<lanes>::sum(total) / count;
    Vector squares{};
    for (std::int64_t j = 0; j < task.width; j += lanes) {
      const Vector centred = at(sums + j) - mean;
      squares += centred * centred;
    }
    const float inverse = 1 / std::sqrt(Access<lanes>::sum(squares) / count + task.epsilon);
    task.inverse[index] = inverse;
    for (std::int64_t j = 0; j < task.width; j += lanes) {
      const Vector normalized = (at(sums + j) - mean) * inverse;
      at(sums + j) = normalized;
      at(task.y + start + j) = normalized * at(task.weight + j) + at(task.bias + j);
    }
  }

  template <class Number>
  GRAFT_INLINE void row(const NormGradientTask<Number>& task, std::int64_t index) {
    const std::int64_t start = index * task.width;
    const float *gradient = task.gradient + start, *normalized = task.normalized + start;
    Vector sum{}, product{};
    for (std::int64_t j = 0; j < task.width; j += lanes) {
      const Vector given = at(gradient + j), place = at(normalized + j), scaled = given * at(task.weight + j);
      sum += scaled;
      product += scaled * place;
      at(task.weight_sum + j) += given * place;
      at(task.bias_sum + j) += given;
    }
    const auto count = static_cast<float>(task.width);
    const float mean = Access<lanes>::sum(sum) / count, slope = Access<lanes>::sum(product) / count, inverse = task.inverse[index];
    for (std::int64_t i = 0; i < task.width; i += norm_block) {
      float block[norm_block];
      for (std::int64_t j = 0; j < norm_block; j += lanes) {
        at(block + j) = (at(gradient + i + j) * at(task.weight + i + j) - mean - at(normalized + i + j) * slope) * inverse;
        at(task.residual + start + i + j) = at(block + j);
      }
      drop(block, start + i, task.dropping);
      for (std::int64_t j = 0; j < norm_block; j += lanes) {
        Access<lanes>::store(task.x + start + i + j, at(block + j));
        if (task.x_bias_sum != nullptr) at(task.x_bias_sum + i + j) += at(block + j);
      }
    }
  }

  template <class Task>
  GRAFT_INLINE void run(const Task& task, std::int64_t begin, std::int64_t end) {
    for (std::int64_t index = begin; index < end; ++index) row(task, index);
  }
};

}  // namespace

void norm_rows(const NormTask<float>& task, std::int64_t begin, std::int64_t end) { run_widest<Kernel>(task, begin, end); }
void norm_rows(const NormTask<c10::BFloat16>& task, std::int64_t begin, std::int64_t end) { run_widest<Kernel>(task, begin, end); }
void norm_gradient_rows(const NormGradientTask<float>& task, std::int64_t begin, std::int64_t end) { run_widest<Kernel>(task, begin, end); }
void norm_gradient_rows(const NormGradientTask<c10::BFloat16>& task, std::int64_t begin, std::int64_t end) {
  run_widest<Kernel>(task, begin, end);
}

}  // namespace graft::graph
