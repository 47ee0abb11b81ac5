#include "train/autocast.h"

#include <ATen/ATen.h>

namespace graft::train {

Autocast::Autocast(c10::Device device, Precision precision) {
  if (precision == Precision::BFloat16 || precision == Precision::Float16)
    state_.emplace(device.type(), true, precision == Precision::BFloat16 ? at::kBFloat16 : at::kHalf);
}

Fields in_float(const Fields& outputs) {
  Fields floats;
  for (const auto& [name, tensor] : outputs) {
    const bool half = tensor.scalar_type() == at::kBFloat16 || tensor.scalar_type() == at::kHalf;
    floats.set(name, half ? tensor.to(at::kFloat) : tensor);
  }
  return floats;
}

}  // namespace graft::train
