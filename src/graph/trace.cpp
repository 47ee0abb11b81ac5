#include "graph/trace.h"

#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/script.h>

#include "graph/baked_flags.h"
#include "graph/composite.h"

namespace graft::graph {

namespace jit = torch::jit;

Traced trace(const std::string& class_name, const Fields& parameters, const Fields& buffers, const Fields& example,
             const std::function<Fields(const Fields&)>& forward) {
  Traced traced{Network(jit::Module("__torch__.graft." + class_name)), example.names(), {}};
  jit::Module& module = traced.network.module();
  module.register_attribute("training", c10::BoolType::get(), false);
  for (const auto& [name, tensor] : parameters) module.register_parameter(name, tensor, /*is_buffer=*/false);
  for (const auto& [name, tensor] : buffers) module.register_buffer(name, tensor);

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
  std::vector<std::string> arguments;
  for (const std::string& name : traced.inputs) arguments.push_back(identifier(name));
  const auto [state, results] = jit::tracer::trace(
      inputs, record, [](const at::Tensor&) { return std::string(); }, /*strict=*/true, /*force_outplace=*/false, &module, arguments);
  jit::EliminateDeadCode(state->graph);
  make_flags_dynamic(*state->graph);
  state->graph->lint();
  auto* function =
      module._ivalue()->compilation_unit()->create_function(c10::QualifiedName(*module.type()->name(), "forward"), state->graph);
  module.type()->addMethod(function);
  return traced;
}

Fields run(const Traced& traced, const Fields& inputs) {
  std::vector<c10::IValue> arguments;
  for (const std::string& name : traced.inputs) arguments.emplace_back(inputs[name]);
  Fields outputs;
  std::size_t next = 0;
  for (const auto& [position, tensor] : traced.network(std::move(arguments))) outputs.set(traced.outputs.at(next++), tensor);
  return outputs;
}

}  // namespace graft::graph
