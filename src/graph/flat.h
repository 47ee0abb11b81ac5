#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <memory>
#include <string>
#include <vector>

#include "graph/network.h"

namespace graft::graph {

/// A network whose forward is this graph: a copy of the source's with all calls inlined, then changed at will. Modules are made anew, each
/// of a class of its own, with those attributes only that the graph reads, so that weights of a part that was cut off are gone. Tensors are
/// shared with the source, and modules that stand there under two names stay one.
Network network_of(const std::shared_ptr<torch::jit::Graph>& graph, const Network& source);

/// The same where the graph has arguments of other names.
Network network_of(const std::shared_ptr<torch::jit::Graph>& graph, const Network& source, const std::vector<std::string>& names);

}  // namespace graft::graph
