#include "graph/lookup_tables.h"

#include <map>

#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

}  // namespace

std::vector<std::pair<std::string, std::vector<jit::Node*>>> table_lookups(jit::Graph& graph) {
  struct Reading {
    std::vector<jit::Node*> lookups;
    bool otherwise = false;
  };
  std::map<std::string, Reading> readings;
  for_each_node(graph.block(), [&](jit::Node* node) {
    if (node->kind() != c10::prim::GetAttr || !is_tensor(node->output())) return;
    Reading& reading = readings[attribute_path(node)];
    for (const jit::Use& use : node->output()->uses()) {
      const bool looks_up = use.user->kind() == c10::aten::embedding && use.offset == 0;
      if (looks_up) reading.lookups.push_back(use.user);
      reading.otherwise |= !looks_up;
    }
  });
  std::vector<std::pair<std::string, std::vector<jit::Node*>>> tables;
  for (auto& [name, reading] : readings) {
    if (!name.empty() && !reading.otherwise && !reading.lookups.empty()) tables.emplace_back(name, std::move(reading.lookups));
  }
  return tables;
}

std::set<std::string> lookup_tables(const Network& network) {
  const auto graph = inlined_forward(network.module());
  std::set<std::string> names;
  for (const auto& [name, lookups] : table_lookups(*graph)) names.insert(name);
  return names;
}

}  // namespace graft::graph
