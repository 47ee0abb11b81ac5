#include "train/autocast.h"

#include <ATen/ATen.h>

namespace graft::train {

Autocast::Autocast(c10::Device device, Precision precision) {
  if (precision == Precision::BFloat16 || precision == Precision::Float16)
    state_.emplace(device.type(), true, precision == Precision::BFloat16 ? at::kBFloat16 : at::kHalf);
}

}  // namespace graft::train
