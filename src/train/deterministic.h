#pragma once

#include <ATen/Context.h>

namespace graft::train {

/// LibTorch's setting for the whole process, while it lives.
class Deterministic {
 public:
  explicit Deterministic(bool wanted) : before_(at::globalContext().deterministicAlgorithms()) {
    at::globalContext().setDeterministicAlgorithms(wanted || before_, /*warn_only=*/false);
  }
  ~Deterministic() { at::globalContext().setDeterministicAlgorithms(before_, /*warn_only=*/false); }
  Deterministic(const Deterministic&) = delete;
  Deterministic& operator=(const Deterministic&) = delete;

 private:
  bool before_;
};

}  // namespace graft::train
