#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "graph/network.h"

/// The first and the last layer of a network: what it takes and what it ends in.
namespace graft::graph {

/// The last linear layer, if what comes after it has no weights: a classifier.
struct Classifier {
  std::string weight, bias;  // dotted names; `bias` is empty if there is none
  /// Nothing else comes out of the network.
  bool is_only_output = true;
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
