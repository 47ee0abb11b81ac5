#pragma once

#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>

namespace graft {

/// LibTorch's autocast of a kind of device, on or off and in this type, while it lives; then as it was before.
class AutocastState {
 public:
  AutocastState(c10::DeviceType device, bool on, c10::ScalarType type);
  /// Casts of weights are kept until here.
  ~AutocastState();
  AutocastState(const AutocastState&) = delete;
  AutocastState& operator=(const AutocastState&) = delete;

 private:
  c10::DeviceType device_;
  bool was_on_;
  c10::ScalarType was_type_;
};

}  // namespace graft
