#include "graph/lookup_tables.h"

#include <map>

#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

struct Reading {
  std::vector<jit::Node*> lookups;
  bool otherwise = false;
};

/// How forward reads its tensors, by name.
std::map<std::string, Reading> readings_of(jit::Graph& graph) {
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
  readings.erase("");
  return readings;
}

}  // namespace

std::vector<std::pair<std::string, std::vector<jit::Node*>>> table_lookups(jit::Graph& graph) {
  std::vector<std::pair<std::string, std::vector<jit::Node*>>> tables;
  for (auto& [name, reading] : readings_of(graph)) {
    if (!reading.otherwise && !reading.lookups.empty()) tables.emplace_back(name, std::move(reading.lookups));
  }
  return tables;
}

std::set<std::string> lookup_tables(const Network& network) {
  const auto graph = inlined_forward(network.module());
  const auto readings = readings_of(*graph);
  // Of tied parameters all readings count.
  std::set<const void*> looked_up, otherwise;
  for (const auto& [name, tensor] : network.parameters()) {
    const auto reading = readings.find(name);
    if (reading == readings.end()) continue;
    if (!reading->second.lookups.empty()) looked_up.insert(tensor.unsafeGetTensorImpl());
    if (reading->second.otherwise) otherwise.insert(tensor.unsafeGetTensorImpl());
  }
  std::set<std::string> names;
  for (const auto& [name, tensor] : network.parameters()) {
    const void* table = tensor.unsafeGetTensorImpl();
    if (looked_up.contains(table) && !otherwise.contains(table)) names.insert(name);
  }
  return names;
}

}  // namespace graft::graph
