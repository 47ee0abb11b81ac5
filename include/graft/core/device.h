#pragma once

#include <c10/core/Device.h>

#include <string>

#include "graft/core/api.h"

namespace graft {

/// A device and the reason for it.
struct DeviceChoice {
  c10::Device device = c10::kCPU;
  std::string reason;
};

/// Resolves "auto" (a GPU where one can be used, else the CPU), "cpu", "cuda" or "cuda:N".
/// Throws ConfigError for another word, SystemError for a GPU that is not there; both say what there is.
GRAFT_API DeviceChoice choose_device(const std::string& wish = "auto");

}  // namespace graft
