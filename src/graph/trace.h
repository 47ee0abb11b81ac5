#pragma once

#include <functional>
#include <string>
#include <vector>

#include "graft/core/fields.h"
#include "graph/network.h"

namespace graft::graph {

/// Tensor code as a module: what it reads and gives, in order.
struct Traced {
  Network network;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
};

/// Records `forward` on `example` as the forward method of a new module that holds these very parameter and buffer tensors, so that a step
/// of an optimizer is seen by both. Training flags become reads of `self.training`. Sizes that the code reads as numbers become constants:
/// check the result on inputs of another size.
Traced trace(const std::string& class_name, const Fields& parameters, const Fields& buffers, const Fields& example,
             const std::function<Fields(const Fields&)>& forward);

/// Runs a traced module.
Fields run(const Traced& traced, const Fields& inputs);

}  // namespace graft::graph
