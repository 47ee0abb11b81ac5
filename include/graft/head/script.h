#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "graft/core/api.h"

namespace graft::head {

/// A function written in TorchScript, for what recording cannot follow: loops and branches on values, sizes as numbers. A head calls it in
/// forward() and the saved file holds it, so that C++ and Python run the same code.
class GRAFT_API Script {
 public:
  /// `source` defines a function of tensors that gives a tensor or a tuple of them, and before it those that it calls:
  ///   def halved(x: Tensor) -> Tensor:
  ///       return x[:, : x.size(1) // 2]
  /// Throws ModelError with the compiler's words if it does not compile.
  explicit Script(const std::string& source);

  /// Throws ModelError if the code fails, or if another number of tensors is wanted.
  std::vector<at::Tensor> operator()(const std::vector<at::Tensor>& arguments) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace graft::head
