#include "graph/batch_norm_kernel.h"

#include "graph/vectors.h"
#include "graph/widest_kernel.h"

namespace graft::graph {
namespace {

enum class Told { No, ByX, ByY };

/// Columns of `vectors` vectors, from value `begin` on, one period after the other; `column` is their place in a period. What belongs to
/// the columns stays in registers.
template <int lanes, int vectors>
struct Columns : Access<lanes> {
  using Vector = typename Vectors<lanes>::Floats;
  using Integers = typename Vectors<lanes>::Integers;
  using Access<lanes>::at;

  template <class Number>
  GRAFT_INLINE void read(const Number* data, Vector& to) {
    Access<lanes>::load(data, reinterpret_cast<float*>(&to));
  }
  GRAFT_INLINE void read_all(const float* data, Vector* to) {
    for (int k = 0; k < vectors; ++k) to[k] = at(data + k * lanes);
  }
  GRAFT_INLINE void add_all(const Vector* values, float* to) {
    for (int k = 0; k < vectors; ++k) at(to + k * lanes) += values[k];
  }

  template <bool is_centred, class Number>
  GRAFT_INLINE void sum(const ColumnSums<Number>& task, std::int64_t begin, std::int64_t end, std::int64_t column) {
    Vector total[vectors]{}, centre[vectors]{};
    if constexpr (is_centred) read_all(task.centre + column, centre);
    for (std::int64_t i = begin; i < end; i += task.period) {
      for (int k = 0; k < vectors; ++k) {
        Vector x;
        read(task.x + i + k * lanes, x);
        if constexpr (is_centred) {
          x -= centre[k];
          x *= x;
        }
        total[k] += x;
      }
    }
    add_all(total, task.sums + column);
  }

  template <bool has_residual, class Number>
  GRAFT_INLINE void normalize(const BatchNormTask<Number>& task, std::int64_t begin, std::int64_t end, std::int64_t column) {
    Vector scale[vectors], shift[vectors];
    read_all(task.scale + column, scale);
    read_all(task.shift + column, shift);
    const Vector low = Vector{} + task.low, high = Vector{} + task.high;
    for (std::int64_t i = begin; i < end; i += task.period) {
      for (int k = 0; k < vectors; ++k) {
        Vector x;
        read(task.x + i + k * lanes, x);
        Vector y = x * scale[k] + shift[k];
        if constexpr (has_residual) {
          Vector residual;
          read(task.residual + i + k * lanes, residual);
          y += residual;
        }
        // What is not a number stays so.
        y = y < low ? low : y;
        y = y > high ? high : y;
        Access<lanes>::store(task.y + i + k * lanes, y);
      }
    }
  }

  /// The cut of one place.
  template <Told told, class Number>
  GRAFT_INLINE void pass(const PassedGradient<Number>& of, std::int64_t i, const Vector& x, const Vector& scale, const Vector& shift,
                         Vector& gradient) {
    read(of.gradient + i, gradient);
    if constexpr (told != Told::No) {
      Vector y;
      if constexpr (told == Told::ByY) {
        read(of.y + i, y);
      } else {
        y = x * scale + shift;
      }
      // By the signs of differences: comparisons of vectors are split into numbers when the vectors are wider than the file's target has.
      const Vector above = of.low - y, below = y - of.high;
      const Integers passes = (reinterpret_cast<const Integers&>(above) & reinterpret_cast<const Integers&>(below)) >> 31;
      const Integers passed = reinterpret_cast<const Integers&>(gradient) & passes;
      gradient = reinterpret_cast<const Vector&>(passed);
    }
  }

  template <Told told, class Number>
  GRAFT_INLINE void sum(const GradientSums<Number>& task, std::int64_t begin, std::int64_t end, std::int64_t column) {
    Vector mean[vectors], scale[vectors], shift[vectors], sums[vectors]{}, products[vectors]{};
    read_all(task.mean + column, mean);
    read_all(task.of.scale + column, scale);
    read_all(task.of.shift + column, shift);
    for (std::int64_t i = begin; i < end; i += task.of.period) {
      for (int k = 0; k < vectors; ++k) {
        Vector x, gradient;
        read(task.of.x + i + k * lanes, x);
        pass<told>(task.of, i + k * lanes, x, scale[k], shift[k], gradient);
        sums[k] += gradient;
        products[k] += gradient * (x - mean[k]);
        if constexpr (told == Told::ByY) Access<lanes>::store(task.passed + i + k * lanes, gradient);
      }
    }
    add_all(sums, task.sums + column);
    add_all(products, task.products + column);
  }

  template <Told told, class Number>
  GRAFT_INLINE void backward(const BatchNormGradient<Number>& task, std::int64_t begin, std::int64_t end, std::int64_t column) {
    Vector mean[vectors], scale[vectors], shift[vectors], slope[vectors], offset[vectors];
    read_all(task.mean + column, mean);
    read_all(task.of.scale + column, scale);
    read_all(task.of.shift + column, shift);
    read_all(task.slope + column, slope);
    read_all(task.offset + column, offset);
    for (std::int64_t i = begin; i < end; i += task.of.period) {
      for (int k = 0; k < vectors; ++k) {
        Vector x, gradient;
        read(task.of.x + i + k * lanes, x);
        pass<told>(task.of, i + k * lanes, x, scale[k], shift[k], gradient);
        Access<lanes>::store(task.to + i + k * lanes, gradient * scale[k] + ((x - mean[k]) * slope[k] + offset[k]));
      }
    }
  }

  template <class Number>
  GRAFT_INLINE void run(const ColumnSums<Number>& task, std::int64_t begin, std::int64_t end, std::int64_t column) {
    task.centre == nullptr ? sum<false>(task, begin, end, column) : sum<true>(task, begin, end, column);
  }
  template <class Number>
  GRAFT_INLINE void run(const BatchNormTask<Number>& task, std::int64_t begin, std::int64_t end, std::int64_t column) {
    task.residual == nullptr ? normalize<false>(task, begin, end, column) : normalize<true>(task, begin, end, column);
  }
  template <class Number>
  GRAFT_INLINE void run(const GradientSums<Number>& task, std::int64_t begin, std::int64_t end, std::int64_t column) {
    if (!task.of.cuts) return sum<Told::No>(task, begin, end, column);
    task.of.y == nullptr ? sum<Told::ByX>(task, begin, end, column) : sum<Told::ByY>(task, begin, end, column);
  }
  template <class Number>
  GRAFT_INLINE void run(const BatchNormGradient<Number>& task, std::int64_t begin, std::int64_t end, std::int64_t column) {
    task.of.cuts ? backward<Told::ByX>(task, begin, end, column) : backward<Told::No>(task, begin, end, column);
  }
};

template <class Number>
std::int64_t period_of(const ColumnSums<Number>& task) {
  return task.period;
}
template <class Number>
std::int64_t period_of(const BatchNormTask<Number>& task) {
  return task.period;
}
template <class Number>
std::int64_t period_of(const GradientSums<Number>& task) {
  return task.of.period;
}
template <class Number>
std::int64_t period_of(const BatchNormGradient<Number>& task) {
  return task.of.period;
}

template <int lanes>
struct Kernel {
  template <class Task>
  GRAFT_INLINE void run(const Task& task, std::int64_t begin, std::int64_t end) {
    constexpr int vectors = 4;
    const std::int64_t period = period_of(task), whole = end - (end - begin) % period;
    for (std::int64_t column = 0; column < period; column += vectors * lanes)
      Columns<lanes, vectors>::run(task, begin + column, whole, column);
    for (std::int64_t i = whole; i < end; ++i) Columns<1, 1>::run(task, i, i + 1, i - whole);
  }
};

}  // namespace

template <class Task>
void run_batch_norm(const Task& task, std::int64_t begin, std::int64_t end) {
  run_widest<Kernel>(task, begin, end);
}

#define GRAFT_FOR_NUMBERS(Task)                                                                \
  template void run_batch_norm(const Task<float>& task, std::int64_t begin, std::int64_t end); \
  template void run_batch_norm(const Task<c10::BFloat16>& task, std::int64_t begin, std::int64_t end)
GRAFT_FOR_NUMBERS(ColumnSums);
GRAFT_FOR_NUMBERS(BatchNormTask);
GRAFT_FOR_NUMBERS(GradientSums);
GRAFT_FOR_NUMBERS(BatchNormGradient);
#undef GRAFT_FOR_NUMBERS

}  // namespace graft::graph
