#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/network.h"

namespace graft::graph {

/// A network that gives these values of an inlined graph of the source, as a dictionary by name. What comes after the last of them is gone,
/// with its weights; one that is overwritten in place later is given as it was.
Network giving(const std::shared_ptr<torch::jit::Graph>& graph, const std::vector<std::pair<std::string, torch::jit::Value*>>& values,
               const Network& source);

}  // namespace graft::graph
