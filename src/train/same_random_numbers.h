#pragma once

#include <ATen/ATen.h>

namespace graft::train {

/// LibTorch's random numbers on a device go on, at the end, from where they were: some networks draw whatever the mode.
class SameRandomNumbers {
 public:
  explicit SameRandomNumbers(c10::Device device)
      : generator_(at::globalContext().defaultGenerator(device)), state_(generator_.get_state()) {}
  ~SameRandomNumbers() { generator_.set_state(state_); }
  SameRandomNumbers(const SameRandomNumbers&) = delete;
  SameRandomNumbers& operator=(const SameRandomNumbers&) = delete;

 private:
  at::Generator generator_;
  at::Tensor state_;
};

}  // namespace graft::train
