#include "graph/flat.h"

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

using Object = c10::ivalue::Object;

/// Rebuilds the tree of modules behind a graph.
class Rebuilt {
 public:
  Rebuilt(jit::Graph& graph, const jit::Module& source) {
    for_each_node(graph.block(), [&](jit::Node* node) {
      const bool reads = node->kind() == c10::prim::GetAttr, writes = node->kind() == c10::prim::SetAttr;
      if (!reads && !writes) return;
      const auto owner = attribute_value(node->input(0), source);
      if (owner && owner->isObject()) read_[&owner->toObjectRef()].insert(node->s(c10::attr::name));
    });
  }

  jit::Module module(const jit::Module& original) {
    const Object* key = original._ivalue().get();
    if (const auto known = made_.find(key); known != made_.end()) return known->second;
    jit::Module copy(*original.type()->name());
    made_.emplace(key, copy);
    copy.register_attribute("training", c10::BoolType::get(), false);
    const auto& type = original.type();
    for (std::size_t slot = 0; slot < type->numAttributes(); ++slot) {
      const std::string& name = type->getAttributeName(slot);
      if (!read_[key].contains(name) || name == "training") continue;
      const c10::IValue value = original._ivalue()->getSlot(slot);
      const auto& declared = type->getAttribute(slot);
      if (declared->is_module()) {
        copy.register_module(name, module(value.toModule()));
      } else {
        copy._ivalue()->type()->addOrCheckAttribute(name, declared, type->is_parameter(slot), type->is_buffer(slot));
        copy._ivalue()->setAttr(name, value);
      }
    }
    return copy;
  }

 private:
  std::map<const Object*, std::set<std::string>> read_;
  std::unordered_map<const Object*, jit::Module> made_;
};

/// `self` and what is read from it have the classes of the new modules.
void retype(jit::Graph& graph, const jit::Module& root) {
  graph.inputs()[0]->setType(root.type());
  for_each_node(graph.block(), [](jit::Node* node) {
    if (node->kind() != c10::prim::GetAttr) return;
    if (const auto owner = node->input(0)->type()->cast<c10::ClassType>())
      node->output()->setType(owner->getAttribute(node->s(c10::attr::name)));
  });
}

}  // namespace

Network network_of(const std::shared_ptr<jit::Graph>& graph, const Network& source) {
  std::vector<std::string> names;
  for (const Argument& argument : source.arguments()) names.push_back(argument.name);
  return network_of(graph, source, names);
}

Network network_of(const std::shared_ptr<jit::Graph>& graph, const Network& source, const std::vector<std::string>& names) {
  jit::EliminateDeadCode(graph);
  jit::Module root = Rebuilt(*graph, source.module()).module(source.module());
  retype(*graph, root);
  for (std::size_t i = 1; i < graph->inputs().size(); ++i) {
    // Tracing wrote the example's sizes into the types.
    if (graph->inputs()[i]->type()->isSubtypeOf(*c10::TensorType::get())) graph->inputs()[i]->setType(c10::TensorType::get());
  }
  graph->lint();
  auto* forward = root._ivalue()->compilation_unit()->create_function(c10::QualifiedName(*root.type()->name(), "forward"), graph);
  // Arguments of the source keep name and type; their defaults only where no others follow, which must not stand behind a default.
  const c10::FunctionSchema& schema = forward_of(source.module()).function().getSchema();
  const auto known = [&](const std::string& name) { return std::ranges::find(schema.arguments(), name, &c10::Argument::name); };
  const bool all_known = std::ranges::all_of(names, [&](const std::string& name) { return known(name) != schema.arguments().end(); });
  std::vector<c10::Argument> arguments{c10::Argument("self", root.type())};
  for (std::size_t i = 1; i < graph->inputs().size(); ++i) {
    const std::string& name = names.at(i - 1);
    const auto argument = known(name);
    const c10::TypePtr type = argument != schema.arguments().end() ? argument->type() : graph->inputs()[i]->type();
    arguments.push_back(all_known ? *argument : c10::Argument(name, type));
  }
  forward->setSchema(schema.cloneWithArguments(std::move(arguments)).cloneWithReturns({c10::Argument("", graph->outputs()[0]->type())}));
  root.type()->addMethod(forward);
  return Network(std::move(root), source.origin());
}

}  // namespace graft::graph
