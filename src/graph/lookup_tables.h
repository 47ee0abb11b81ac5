#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <set>
#include <string>
#include <vector>

#include "graph/network.h"

namespace graft::graph {

/// Names of the parameters that forward reads as embedding tables and in no other way: a batch reads some rows of each.
std::set<std::string> lookup_tables(const Network& network);

/// The lookups of such tables in a graph, table by table.
std::vector<std::pair<std::string, std::vector<torch::jit::Node*>>> table_lookups(torch::jit::Graph& graph);

}  // namespace graft::graph
