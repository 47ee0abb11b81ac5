#pragma once

#include <string>

#include "graph/network.h"

namespace graft::graph {

/// A digest of all that decides what a network gives: the code of forward in eval mode and every value it reads. Names of classes, which
/// depend on what was loaded before, do not count.
std::string fingerprint(const Network& network);

}  // namespace graft::graph
