#include "graph/walk.h"

#include <torch/csrc/jit/passes/inliner.h>

#include <set>

#include "graft/core/error.h"

namespace graft::graph {

namespace jit = torch::jit;

jit::Method forward_of(const jit::Module& module) {
  if (const auto method = module.find_method("forward")) return *method;
  throw ModelError({.code = "graft-M002",
                    .message = "[Backbone] the network has no forward method.",
                    .remedy = "Export the module whose forward you call in Python.",
                    .place = ""});
}

std::shared_ptr<jit::Graph> inlined_forward(const jit::Module& module) {
  auto graph = jit::toGraphFunction(forward_of(module).function()).graph()->copy();
  jit::Inline(*graph);
  return graph;
}

void for_each_node(jit::Block* block, const std::function<void(jit::Node*)>& visit) {
  for (jit::Node* node : block->nodes()) {
    visit(node);
    for (jit::Block* inner : node->blocks()) for_each_node(inner, visit);
  }
}

std::string attribute_path(const jit::Node* get_attr) {
  std::string path = get_attr->s(c10::attr::name);
  for (const jit::Node* node = get_attr;;) {
    const jit::Value* owner = node->input(0);
    if (owner == owner->owningGraph()->inputs()[0]) return path;
    node = owner->node();
    if (node->kind() != c10::prim::GetAttr) return {};
    path = node->s(c10::attr::name) + '.' + path;
  }
}

std::vector<std::string> execution_order(const jit::Module& module) {
  std::set<std::string> parameters, seen;
  for (const auto& parameter : module.named_parameters(/*recurse=*/true)) parameters.insert(parameter.name);
  std::vector<std::string> order;
  const auto add = [&](const std::string& name) {
    if (parameters.contains(name) && seen.insert(name).second) order.push_back(name);
  };
  const auto graph = inlined_forward(module);
  for_each_node(graph->block(), [&](jit::Node* node) {
    // A read is where the value is used, not where it is fetched: traces fetch all attributes at the top.
    for (const jit::Value* input : node->inputs()) {
      if (node->kind() != c10::prim::GetAttr && input->node()->kind() == c10::prim::GetAttr) add(attribute_path(input->node()));
    }
  });
  for (const auto& parameter : module.named_parameters(/*recurse=*/true)) add(parameter.name);
  return order;
}

}  // namespace graft::graph
