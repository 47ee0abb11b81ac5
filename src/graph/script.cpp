#include "graph/script.h"

#include <torch/csrc/jit/api/compilation_unit.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/jit.h>

#include <functional>

#include "graft/core/error.h"
#include "graph/network.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

/// The function's graph, copied into the one that is recorded; its results become known to the recorder.
void record(jit::Function& function, const std::vector<at::Tensor>& arguments, const c10::IValue& result) {
  std::vector<jit::Value*> given;
  for (const at::Tensor& argument : arguments) given.push_back(jit::tracer::getValueTrace(argument));
  const std::shared_ptr<jit::Graph> body = jit::toGraphFunction(function).graph()->copy();
  jit::Inline(*body);
  const std::vector<jit::Value*> values = jit::insertGraph(*jit::tracer::getTracingState()->graph, *body, given);
  jit::tracer::setValueTrace(result, values.front());
}

/// What runs in its lifetime is not recorded.
class Unrecorded {
 public:
  Unrecorded() {
    if (jit::tracer::isTracing()) go_on_ = jit::tracer::pauseTracing();
  }
  ~Unrecorded() {
    if (go_on_) go_on_();
  }
  Unrecorded(const Unrecorded&) = delete;
  Unrecorded& operator=(const Unrecorded&) = delete;

 private:
  std::function<void()> go_on_;
};

std::vector<at::Tensor> tensors_of(const c10::IValue& result) {
  if (result.isTensor()) return {result.toTensor()};
  std::vector<at::Tensor> tensors;
  for (const c10::IValue& element : result.toTupleRef().elements()) tensors.push_back(element.toTensor());
  return tensors;
}

}  // namespace

Script::Script(const std::string& source) {
  try {
    unit_ = jit::compile(source);
    function_ = unit_->get_functions().back();
  } catch (const std::exception& error) {
    throw ModelError({.code = "graft-M031",
                      .message = "[Script] one function in TorchScript is wanted; the compiler says: " + reason(error),
                      .remedy = "Mend the source; the language is described at docs.pytorch.org under TorchScript.",
                      .place = ""},
                     error.what());
  }
}

std::vector<at::Tensor> Script::operator()(const std::vector<at::Tensor>& arguments) const {
  jit::Stack stack(arguments.begin(), arguments.end());
  try {
    {
      const Unrecorded unrecorded;
      function_->run(stack);
    }
    if (jit::tracer::isTracing()) record(*function_, arguments, stack.back());
    return tensors_of(stack.back());
  } catch (const std::exception& error) {
    throw ModelError({.code = "graft-M032",
                      .message = "[Script] the function \"" + function_->name() + "\" fails: " + reason(error),
                      .remedy = "Give it the tensors that its definition names, and let it give tensors.",
                      .place = ""},
                     error.what());
  }
}

bool is_recording() { return jit::tracer::isTracing(); }

}  // namespace graft::graph
