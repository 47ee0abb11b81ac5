#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

namespace graft::graph {

/// Widths that the kernels take are multiples of it.
constexpr std::int64_t gelu_block = 32;

/// Rows of y = z Phi(z) with z = x + bias and Phi the normal distribution's sum, of float or c10::BFloat16.
template <class Number>
struct GeluTask {
  const Number* x = nullptr;
  const float* bias = nullptr;
  Number* y = nullptr;
  std::int64_t width = 0;
};

template <class Number>
struct GeluGradientTask {
  const Number* gradient = nullptr;
  const Number* x = nullptr;
  const float* bias = nullptr;
  Number* x_gradient = nullptr;
  float* bias_sum = nullptr;  // of these rows, added to what is there
  std::int64_t width = 0;
};

/// Rows begin to end - 1 with the widest vectors of this processor. Phi is accurate to 1e-7 (Abramowitz, Stegun: Handbook of Mathematical
/// Functions, 7.1.26).
void gelu_rows(const GeluTask<float>& task, std::int64_t begin, std::int64_t end);
void gelu_rows(const GeluTask<c10::BFloat16>& task, std::int64_t begin, std::int64_t end);
void gelu_gradient_rows(const GeluGradientTask<float>& task, std::int64_t begin, std::int64_t end);
void gelu_gradient_rows(const GeluGradientTask<c10::BFloat16>& task, std::int64_t begin, std::int64_t end);

}  // namespace graft::graph
