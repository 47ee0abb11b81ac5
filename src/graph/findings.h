#pragma once

#include <set>
#include <string>
#include <vector>

#include "graft/core/finding.h"
#include "graph/network.h"

namespace graft::graph {

/// What is to be known of a network before anything trains on it, obstacles first.
std::vector<Finding> findings(const Network& network);

/// Names of the parameters that a gradient of the outputs reaches.
std::set<std::string> reached_by_gradient(const Network& network);

/// A copy with everything mended that can be: see the parts. Shares the tensors that it keeps.
Network repaired(const Network& network);

}  // namespace graft::graph
