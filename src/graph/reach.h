#pragma once

#include <cstdint>
#include <optional>
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

/// The last linear layer, if what comes after it has no weights: a classifier.
struct Classifier {
  std::string weight, bias;  // dotted names; `bias` is empty if there is none
};
std::optional<Classifier> classifier(const Network& network);
/// A copy that gives what the classifier reads. Throws ModelError if there is none.
Network without_classifier(const Network& network);

/// What the network does with an argument first, through operators that keep its kind.
struct FirstUse {
  enum class Kind { Pictures, Signals, Tokens, Vectors, Unknown };
  Kind kind = Kind::Unknown;
  /// Channels of pictures or signals, width of vectors; 0 where the weight is no attribute.
  std::int64_t width = 0;
};
FirstUse first_use(const Network& network, const std::string& argument);

/// The dotted name of the first convolution's weight; empty if there is none.
std::string first_convolution(const Network& network);

}  // namespace graft::graph
