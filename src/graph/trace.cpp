#include "graph/trace.h"

#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include "graph/training_flags.h"

namespace graft::graph {

namespace jit = torch::jit;

Traced trace(const std::string& class_name, const Fields& parameters, const Fields& buffers, const Fields& example,
             const std::function<Fields(const Fields&)>& forward) {
  Traced traced{jit::Module("__torch__.graft." + class_name), example.names(), {}};
  traced.module.register_attribute("training", c10::BoolType::get(), false);
  for (const auto& [name, tensor] : parameters) traced.module.register_parameter(name, tensor, /*is_buffer=*/false);
  for (const auto& [name, tensor] : buffers) traced.module.register_buffer(name, tensor);

  jit::Stack inputs;
  for (const auto& [name, tensor] : example) inputs.emplace_back(tensor);
  const auto record = [&](const jit::Stack& stack) -> jit::Stack {
    Fields read;
    for (std::size_t i = 0; i < stack.size(); ++i) read.set(traced.inputs[i], stack[i].toTensor());
    std::vector<c10::IValue> given;
    for (const auto& [name, tensor] : forward(read)) {
      traced.outputs.push_back(name);
      given.emplace_back(tensor);
    }
    if (given.size() == 1) return {given.front()};
    return {c10::ivalue::Tuple::create(std::move(given))};
  };
  const auto [state, results] = jit::tracer::trace(
      inputs, record, [](const at::Tensor&) { return std::string(); }, /*strict=*/true, /*force_outplace=*/false, &traced.module, traced.inputs);
  jit::EliminateDeadCode(state->graph);
  make_flags_dynamic(*state->graph);
  state->graph->lint();
  auto* function = traced.module._ivalue()->compilation_unit()->create_function(c10::QualifiedName(*traced.module.type()->name(), "forward"), state->graph);
  traced.module.type()->addMethod(function);
  return traced;
}

Fields run(const Traced& traced, const Fields& inputs) {
  jit::Stack stack;
  for (const std::string& name : traced.inputs) stack.emplace_back(inputs[name]);
  jit::Module module = traced.module;
  const c10::IValue result = module.forward(std::move(stack));
  if (result.isTensor()) return {{traced.outputs.front(), result.toTensor()}};
  Fields outputs;
  for (std::size_t i = 0; i < traced.outputs.size(); ++i) outputs.set(traced.outputs[i], result.toTupleRef().elements()[i].toTensor());
  return outputs;
}

}  // namespace graft::graph
