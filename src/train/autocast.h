#pragma once

#include <c10/core/Device.h>

#include <optional>

#include "core/autocast_state.h"
#include "graft/model/model.h"

namespace graft::train {

/// Products of what runs while it lives are computed in bfloat16 or float16, from weights that stay float32. For the forward pass and the
/// loss of one piece: it is gone before the backward pass, and weights that a step has moved are read anew by the next.
class Autocast {
 public:
  /// Does nothing for Auto and Float32.
  Autocast(c10::Device device, Precision precision);

 private:
  std::optional<AutocastState> state_;
};

}  // namespace graft::train
