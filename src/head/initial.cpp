#include "head/initial.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>

namespace graft::head {

at::Tensor normal(at::IntArrayRef sizes, double deviation, Rng rng) {
  at::Tensor values = at::empty(sizes);
  auto* data = values.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    data[i] = static_cast<float>(deviation * std::sqrt(-2 * std::log(1 - rng.uniform())) * std::cos(2 * std::numbers::pi * rng.uniform()));
  }
  return values;
}

}  // namespace graft::head
