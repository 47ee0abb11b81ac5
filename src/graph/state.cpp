#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include "graph/network.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

/// Takes what only happens in training out of the graph: batch norm counts its batches there.
void assume_eval(std::shared_ptr<jit::Graph> graph) {
  jit::Value* off = nullptr;
  {
    const jit::WithInsertPoint start(graph->block()->param_node()->next());
    off = graph->insertConstant(false);
  }
  for_each_node(graph->block(), [&](jit::Node* node) {
    if (node->kind() == c10::prim::GetAttr && node->s(c10::attr::name) == "training") node->output()->replaceAllUsesWith(off);
  });
  jit::ConstantPropagation(graph);
  jit::EliminateDeadCode(graph);
}

}  // namespace

bool Network::is_stateful() const {
  const std::shared_ptr<jit::Graph> graph = inlined_forward(*module_);
  assume_eval(graph);
  const jit::AliasDb aliases(graph);
  bool found = false;
  for_each_node(graph->block(), [&](jit::Node* node) {
    if (node->kind() == c10::prim::SetAttr) found = true;
    if (node->kind() == c10::prim::GetAttr && !node->output()->type()->cast<c10::ClassType>()) found |= aliases.hasWriters(node->output());
  });
  return found;
}

}  // namespace graft::graph
