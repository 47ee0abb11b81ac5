#include "train/autocast.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>

namespace graft::train {

Autocast::Autocast(c10::Device device, Precision precision) : device_(device.type()) {
  if (precision != Precision::BFloat16 && precision != Precision::Float16) return;
  changed_ = true;
  was_on_ = at::autocast::is_autocast_enabled(device_);
  was_type_ = at::autocast::get_autocast_dtype(device_);
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_, precision == Precision::BFloat16 ? at::kBFloat16 : at::kHalf);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (!changed_) return;
  // Casts of weights are kept until here.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, was_on_);
  at::autocast::set_autocast_dtype(device_, was_type_);
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
