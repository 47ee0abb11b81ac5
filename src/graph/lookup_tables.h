#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <set>
#include <string>
#include <vector>

#include "graph/network.h"

namespace graft::graph {

/// Names of the parameters that forward reads as embedding tables and in no other way: a batch reads some rows of each. Of tied parameters
/// all names, if that holds for each.
std::set<std::string> lookup_tables(const Network& network);

/// The lookups of a graph's tensors that it reads in no other way, table by table; it does not know of ties.
std::vector<std::pair<std::string, std::vector<torch::jit::Node*>>> table_lookups(torch::jit::Graph& graph);

}  // namespace graft::graph
