#include "core/autocast_state.h"

#include <ATen/autocast_mode.h>

namespace graft {

AutocastState::AutocastState(c10::DeviceType device, bool on, c10::ScalarType type)
    : device_(device), was_on_(at::autocast::is_autocast_enabled(device)), was_type_(at::autocast::get_autocast_dtype(device)) {
  at::autocast::set_autocast_enabled(device_, on);
  at::autocast::set_autocast_dtype(device_, type);
  at::autocast::increment_nesting();
}

AutocastState::~AutocastState() {
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, was_on_);
  at::autocast::set_autocast_dtype(device_, was_type_);
}

}  // namespace graft
