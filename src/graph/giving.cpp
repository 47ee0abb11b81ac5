#include "graph/giving.h"

#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include "graph/flat.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

/// A feature that is written to later, by an activation in place, is kept as it was.
jit::Value* kept(jit::Graph& graph, jit::Value* value) {
  const jit::AliasDb aliases(graph.shared_from_this());
  bool written = false;
  for (jit::Node* node : graph.block()->nodes()) written |= node->isAfter(value->node()) && aliases.writesToAlias(node, {value});
  if (!written) return value;
  const jit::WithInsertPoint at(value->node()->next());
  return graph.insert(c10::aten::clone, {value});
}

}  // namespace

Network giving(const std::shared_ptr<jit::Graph>& graph, const std::vector<std::pair<std::string, jit::Value*>>& values,
               const Network& source) {
  // What is written to is copied right after it is made, while the whole graph still shows who writes.
  std::vector<jit::Value*> keys, results;
  while (!graph->outputs().empty()) graph->eraseOutput(0);
  for (const auto& [name, value] : values) results.push_back(value);
  const jit::Node* last = graph->block()->param_node();
  for (jit::Value* value : results) {
    graph->registerOutput(value);
    if (value->node()->isAfter(last)) last = value->node();
  }
  // What comes later goes, checks that raise errors included, which dead code elimination would keep.
  while (*graph->block()->nodes().rbegin() != last) graph->block()->nodes().rbegin()->destroy();
  jit::EliminateDeadCode(graph);
  for (jit::Value*& value : results) value = kept(*graph, value);
  while (!graph->outputs().empty()) graph->eraseOutput(0);
  const jit::WithInsertPoint at(graph->block());
  for (const auto& [name, value] : values) keys.push_back(graph->insertConstant(name));
  graph->registerOutput(graph->insertNode(graph->createDict(c10::StringType::get(), c10::TensorType::get(), keys, results))->output());
  return network_of(graph, source);
}

}  // namespace graft::graph
