#pragma once

#include <string>
#include <vector>

#include "graph/network.h"
#include "graph/split.h"

namespace graft::graph {

/// A network to train in segments: between its forward and its backward pass only what crosses from one to the next is kept, and each
/// segment is computed again when its gradients are wanted (Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016). Outputs and
/// gradients are those of the whole, dropout included. Shares the network's tensors.
class Segments {
 public:
  /// Cut behind each of these groups of parameters, given in order of execution, where the graph can be. A network with norms over the
  /// batch, whose statistics would move twice, stays whole: see size().
  Segments(const Network& network, const std::vector<std::vector<std::string>>& groups);

  std::size_t size() const { return parts_.size() + 1; }
  /// As Network's: arguments of the whole network, in their order.
  Fields operator()(const std::vector<c10::IValue>& arguments) const;
  void train(const Trains& trains);
  void eval();

 private:
  struct Part {
    Network network;
    std::vector<std::string> inputs;  // of it, in the order of its arguments
    std::vector<std::string> cut;     // what it gives
  };
  std::vector<Part> parts_;
  Network last_;
  std::vector<std::string> names_, last_inputs_;
};

}  // namespace graft::graph
