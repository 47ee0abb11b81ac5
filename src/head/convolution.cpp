#include "head/convolution.h"

#include <ATen/ATen.h>

#include <cmath>

namespace graft::head {

at::Tensor convolved(const at::Tensor& maps, const at::Tensor& kernel, const at::Tensor& bias) {
  const std::int64_t padding = kernel.size(2) / 2;
  return at::conv2d(maps, kernel, bias, 1, padding);
}

at::Tensor uniform_kernel(at::IntArrayRef sizes, Rng& rng) {
  at::Tensor values = at::empty(sizes);
  const double bound = std::sqrt(3.0 / static_cast<double>(sizes[1] * sizes[2] * sizes[3]));
  auto* data = values.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) data[i] = static_cast<float>(bound * (2 * rng.uniform() - 1));
  return values;
}

}  // namespace graft::head
