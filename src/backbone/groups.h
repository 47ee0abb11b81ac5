#pragma once

#include <vector>

#include "graft/backbone/backbone.h"
#include "graph/network.h"

namespace graft::backbone {

/// Cuts the parameters into layer groups in order of execution: the children of the root; below them, wherever children are numbered like
/// the items of a list ("0", "1", or "block_0", "block_1") and have modules of their own, each item; wrappers with one child are passed
/// through.
std::vector<LayerGroup> layer_groups(const graph::Network& network);

}  // namespace graft::backbone
