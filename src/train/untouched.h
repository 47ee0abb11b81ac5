#pragma once

#include <ATen/ATen.h>

#include "graft/model/model.h"
#include "train/same_random_numbers.h"
#include "train/snapshot.h"

namespace graft::train {

/// Gives back, at its end, all that steps move or set: weights and buffers, gradients, mode, gradient checkpointing, LibTorch's random
/// numbers. By the same policy as at its start.
class Untouched {
 public:
  explicit Untouched(Model& model)
      : model_(model),
        weights_(snapshot(model)),
        training_(model.is_training()),
        checkpointing_(model.gradient_checkpointing()),
        random_(model.device()) {}
  ~Untouched() {
    for (auto& [name, tensor] : model_.trainable()) at::Tensor(tensor).mutable_grad().reset();
    restore(model_, weights_);
    model_.set_gradient_checkpointing(checkpointing_);
    model_.set_training(training_);
  }
  Untouched(const Untouched&) = delete;
  Untouched& operator=(const Untouched&) = delete;

 private:
  Model& model_;
  Fields weights_;
  bool training_, checkpointing_;
  SameRandomNumbers random_;
};

}  // namespace graft::train
