#include "graph/editor.h"

#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include <set>

#include "graft/core/error.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

/// Modules of one class.
std::vector<jit::Module> instances(const jit::Module& root, const c10::ClassType* type) {
  std::vector<jit::Module> found;
  std::set<const void*> seen;
  for (const jit::Module& module : root.modules()) {
    if (module.type().get() == type && seen.insert(module._ivalue().get()).second) found.push_back(module);
  }
  return found;
}

void inline_functions(jit::Graph& graph) {
  for (;;) {
    jit::Node* call = nullptr;
    for_each_node(graph.block(), [&](jit::Node* node) {
      const bool is_call = node->kind() == c10::prim::CallFunction &&
                           jit::tryToGraphFunction(*node->input(0)->type()->expectRef<c10::FunctionType>().function());
      if (is_call && call == nullptr) call = node;
    });
    if (call == nullptr) return;
    auto* callee = jit::tryToGraphFunction(*call->input(0)->type()->expectRef<c10::FunctionType>().function());
    call->removeInput(0);                                    // the function itself
    jit::inlineCallTo(call, callee, callee->graph().get());  // as it was loaded, not as it was optimized for a run
  }
}

}  // namespace

Editor::Editor(const Network& network) : root_(network.module().clone(/*inplace=*/true)), origin_(network.origin()) {
  for_each_graph(inline_functions);
}

jit::Graph& Editor::forward() { return *jit::toGraphFunction(forward_of(root_).function()).graph(); }

void Editor::for_each_graph(const std::function<void(jit::Graph&)>& visit) {
  std::set<const jit::Graph*> seen;
  for (const jit::Module& module : root_.modules()) {
    for (jit::Function* method : module.type()->methods()) {
      auto* compiled = jit::tryToGraphFunction(*method);
      if (compiled != nullptr && seen.insert(compiled->graph().get()).second) visit(*compiled->graph());
    }
  }
}

void Editor::require_sole(const jit::Module& module) const {
  TORCH_INTERNAL_ASSERT(instances(root_, module.type().get()).size() == 1, "a shared class must not be registered on");
}

jit::Value* Editor::training_flag(jit::Graph& graph) {
  jit::Value* self = graph.inputs()[0];
  const auto type = self->type()->expect<c10::ClassType>();
  if (!type->findAttributeSlot("training")) {
    const auto owners = instances(root_, type.get());
    if (owners.size() != 1) return nullptr;
    jit::Module(owners.front()).register_attribute("training", c10::BoolType::get(), false);
  }
  return graph.insertGetAttr(self, "training");
}

jit::Value* Editor::add_tensor(const std::string& module, const std::string& name, const at::Tensor& tensor, bool trains) {
  if (!root_.hasattr(module)) {
    require_sole(root_);
    jit::Module child("__torch__.graft." + module, root_._ivalue()->compilation_unit(), /*shouldMangle=*/true);
    child.register_attribute("training", c10::BoolType::get(), false);
    root_.register_module(module, child);
  }
  jit::Module child = root_.attr(module).toModule();
  if (!child.hasattr(name))
    child.register_parameter(name, tensor.detach().clone().contiguous().requires_grad_(trains), /*is_buffer=*/!trains);
  jit::Graph& graph = forward();
  return graph.insertGetAttr(graph.insertGetAttr(graph.inputs()[0], module), name);
}

Network Editor::finish() {
  for_each_graph([](jit::Graph& graph) {
    const std::shared_ptr<jit::Graph> shared = graph.shared_from_this();
    jit::EliminateDeadCode(shared);
    graph.lint();
  });
  return Network(std::move(root_), std::move(origin_));
}

}  // namespace graft::graph
