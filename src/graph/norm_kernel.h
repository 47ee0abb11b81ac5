#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

#include "graph/dropping.h"

namespace graft::graph {

/// Widths that the kernels take are multiples of it.
constexpr std::int64_t norm_block = 32;

/// Rows of y = (s - mean(s)) * inverse * weight + bias with s = dropout(x + x_bias) + residual and inverse = 1 / sqrt(variance(s) +
/// epsilon); x and its gradient are of float or c10::BFloat16.
template <class Number>
struct NormTask {
  const Number* x = nullptr;
  const float* x_bias = nullptr;  // may be missing
  const float* residual = nullptr;
  const float* weight = nullptr;
  const float* bias = nullptr;
  float* y = nullptr;
  float* normalized = nullptr;  // y before weight and bias
  float* inverse = nullptr;     // one for each row
  std::int64_t width = 0;
  float epsilon = 0;
  Dropping dropping = {};
};

/// Gradients of the same rows.
template <class Number>
struct NormGradientTask {
  const float* gradient = nullptr;
  const float* normalized = nullptr;
  const float* inverse = nullptr;
  const float* weight = nullptr;
  Number* x = nullptr;
  float* residual = nullptr;
  float* weight_sum = nullptr;  // of these rows, added to what is there
  float* bias_sum = nullptr;
  float* x_bias_sum = nullptr;  // may be missing
  std::int64_t width = 0;
  Dropping dropping = {};
};

/// Rows begin to end - 1 with the widest vectors of this processor.
void norm_rows(const NormTask<float>& task, std::int64_t begin, std::int64_t end);
void norm_rows(const NormTask<c10::BFloat16>& task, std::int64_t begin, std::int64_t end);
void norm_gradient_rows(const NormGradientTask<float>& task, std::int64_t begin, std::int64_t end);
void norm_gradient_rows(const NormGradientTask<c10::BFloat16>& task, std::int64_t begin, std::int64_t end);

}  // namespace graft::graph
