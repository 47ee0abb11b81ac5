#include "graft/core/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <charconv>

#include "graft/core/error.h"
#include "graft/core/runtime.h"

namespace graft {
namespace {

int num_gpus() { return at::hasCUDA() ? static_cast<int>(at::detail::getCUDAHooks().deviceCount()) : 0; }

DeviceChoice cpu(std::string reason) {
  return {c10::Device(c10::kCPU), "cpu, " + std::to_string(at::get_num_threads()) + " threads (" + std::move(reason) + ")"};
}

}  // namespace

DeviceChoice choose_device(const std::string& wish) {
  runtime();
  if (wish == "cpu") return cpu("as asked");
  const int gpus = num_gpus();
  if (wish == "auto") {
    if (gpus > 0) return {c10::Device(c10::kCUDA, 0), "cuda:0 (the first of " + std::to_string(gpus) + ")"};
    return cpu("no usable CUDA device was found");
  }
  int index = 0;
  const bool plain = wish == "cuda";
  const bool numbered = wish.starts_with("cuda:") && std::from_chars(wish.data() + 5, wish.data() + wish.size(), index) ==
                                                         std::from_chars_result{wish.data() + wish.size(), std::errc()};
  if (!plain && !numbered) {
    throw ConfigError({.code = "graft-C003",
                       .message = "[Device] auto, cpu, cuda or cuda:N is wanted, got \"" + wish + "\".",
                       .remedy = "Leave the device out: auto takes a GPU where there is one.",
                       .place = ""});
  }
  if (index < 0 || index >= gpus) {
    throw SystemError({.code = "graft-S001",
                       .message = "[Device] " + wish + " is not there: " + std::to_string(gpus) + " CUDA devices can be used.",
                       .remedy = gpus == 0 ? "Use cpu or auto; for a GPU, run cmake/setup.sh --cuda and check the driver with nvidia-smi."
                                           : "Name one of cuda:0 to cuda:" + std::to_string(gpus - 1) + ".",
                       .place = ""});
  }
  return {c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index)), wish + " (as asked)"};
}

}  // namespace graft
