#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

namespace graft::head {

/// Numbers of channels that the kernels take are multiples of it.
constexpr std::int64_t norm_relu_block = 16;

/// One picture of `places` rows of `channels` numbers; groups of channels next to each other are normed together. All sums are float32.
struct NormReluSize {
  std::int64_t places = 0, channels = 0, groups = 0;
};

/// y = max(0, (x - mean) / sqrt(variance + epsilon) * weight + bias); x and y are of float or c10::BFloat16. Fills mean and inverse
/// (1 / sqrt(variance + epsilon)) [groups].
template <class Number>
struct NormReluTask {
  NormReluSize size = {};
  const Number* x = nullptr;
  const float *weight = nullptr, *bias = nullptr;
  Number* y = nullptr;
  float *mean = nullptr, *inverse = nullptr;
  float epsilon = 0;
};

/// Its gradients; those of weight and bias [channels] are of this picture alone.
template <class Number>
struct NormReluGradientTask {
  NormReluSize size = {};
  const Number *gradient = nullptr, *x = nullptr;
  const float *weight = nullptr, *bias = nullptr, *mean = nullptr, *inverse = nullptr;
  Number* x_gradient = nullptr;
  float *weight_gradient = nullptr, *bias_gradient = nullptr;
};

/// With the widest vectors of this processor.
void norm_relu(const NormReluTask<float>& task);
void norm_relu(const NormReluTask<c10::BFloat16>& task);
void norm_relu_gradient(const NormReluGradientTask<float>& task);
void norm_relu_gradient(const NormReluGradientTask<c10::BFloat16>& task);

}  // namespace graft::head
