#pragma once

#include <string>
#include <vector>

#include "graph/network.h"

namespace graft::graph {

/// A value inside a network that can be brought out.
struct Tap {
  /// The dotted path of the module that gives it: "layer2.0.conv1". A module that is called several times has the plain name for its last
  /// call and "relu#1", "relu#2", ... for those before; elements of a tuple are "lstm.output.0", ... What no module gives has the name of
  /// the operator, counted within its module: "layer1.0.add0", "conv2d3".
  std::string name;
  bool is_module = true;
};

/// All that can be brought out, in order of execution. What is computed inside a branch or a loop cannot.
std::vector<Tap> taps(const Network& network);

/// A copy that gives these as a dictionary by name: features, or outputs as Network names them ("output", "output.0", keys). What comes
/// after the last of them is gone, with its weights. Throws ModelError with near names for one that is not there.
Network with_features(const Network& network, const std::vector<std::string>& names);

}  // namespace graft::graph
