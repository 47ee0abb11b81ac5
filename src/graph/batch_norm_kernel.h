#pragma once

#include <cstdint>

namespace graft::graph {

/// Values whose channels lie last, as one long row: the channel of value i is that of place i % period. The arrays of a period repeat what
/// belongs to a channel until whole vectors are filled; a period is a multiple of batch_norm_block. Numbers are float or c10::BFloat16.
constexpr std::int64_t batch_norm_block = 64;

/// Adds to `sums` the values, or their squared distances to `centre`.
template <class Number>
struct ColumnSums {
  const Number* x = nullptr;
  const float* centre = nullptr;  // null: the values
  float* sums = nullptr;
  std::int64_t period = 0;
};

/// y = x * scale + shift, with a residual added, cut to low ... high.
template <class Number>
struct BatchNormTask {
  const Number* x = nullptr;
  const Number* residual = nullptr;  // null: none
  Number* y = nullptr;
  const float* scale = nullptr;
  const float* shift = nullptr;
  std::int64_t period = 0;
  float low = 0;
  float high = 0;
};

/// Where y was cut off no gradient passes. That is told by y where there is one, else by x; without `cuts` all of it passes.
template <class Number>
struct PassedGradient {
  const Number* gradient = nullptr;
  const Number* x = nullptr;
  const Number* y = nullptr;
  const float* scale = nullptr;
  const float* shift = nullptr;
  std::int64_t period = 0;
  bool cuts = false;
  float low = 0;
  float high = 0;
};

/// Adds to `sums` the gradient that passes, to `products` that times the distance of x to the mean; keeps it in `passed`.
template <class Number>
struct GradientSums {
  PassedGradient<Number> of = {};
  const float* mean = nullptr;
  float* sums = nullptr;
  float* products = nullptr;
  Number* passed = nullptr;  // null: not kept
};

/// The gradient of x: what passes times scale, plus (x - mean) * slope, plus offset.
template <class Number>
struct BatchNormGradient {
  PassedGradient<Number> of = {};
  const float* mean = nullptr;
  const float* slope = nullptr;
  const float* offset = nullptr;
  Number* to = nullptr;
};

/// Values begin to end - 1 with the widest vectors of this processor; `begin` is a multiple of the period.
template <class Task>
void run_batch_norm(const Task& task, std::int64_t begin, std::int64_t end);

}  // namespace graft::graph
