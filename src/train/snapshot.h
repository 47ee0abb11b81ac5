#pragma once

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <vector>

#include "graft/model/model.h"

namespace graft::train {

/// Copies of what training moves, to go back to.
class Snapshot {
 public:
  void take(const Model& model) {
    const c10::NoGradGuard no_grad;
    tensors_.clear();
    for (const at::Tensor& tensor : model.moving()) tensors_.push_back(tensor.detach().clone());
  }
  void restore(const Model& model) const {
    const c10::NoGradGuard no_grad;
    const std::vector<at::Tensor> live = model.moving();
    for (std::size_t i = 0; i < tensors_.size(); ++i) at::Tensor(live[i]).copy_(tensors_[i]);
  }
  bool empty() const { return tensors_.empty(); }

 private:
  std::vector<at::Tensor> tensors_;
};

}  // namespace graft::train
