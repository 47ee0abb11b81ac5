#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

namespace torch::jit {
struct CompilationUnit;
struct Function;
}  // namespace torch::jit

namespace graft::graph {

/// A TorchScript function, the last that the source defines. Where a network is being recorded (trace.h), a call becomes part of the record, loops and branches included.
class Script {
 public:
  /// Throws ModelError with the compiler's words.
  explicit Script(const std::string& source);
  std::vector<at::Tensor> operator()(const std::vector<at::Tensor>& arguments) const;

 private:
  std::shared_ptr<torch::jit::CompilationUnit> unit_;
  torch::jit::Function* function_;
};

/// True while a network is being recorded: what runs then must be made of operators that the record can hold.
bool is_recording();

}  // namespace graft::graph
