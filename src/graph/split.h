#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "graph/network.h"

namespace graft::graph {

/// A network in two halves at the freeze line. Both share its tensors.
struct Split {
  /// Depends on inputs and frozen state only; gives the cut as a dictionary by name.
  Network prefix;
  /// Reads `arguments`, then `cut`, and gives what the whole gives. What trains is in here.
  Network suffix;
  /// The network's own arguments that the suffix reads as they came: masks, numbers.
  std::vector<std::string> arguments;
  std::vector<std::string> cut;
};

struct SplitResult {
  std::optional<Split> split;
  /// Where nothing is gained: the reason.
  std::string why;
};

/// Arguments that are the same in every call, by name.
using Constants = std::map<std::string, c10::IValue>;

/// What becomes of the half below the line.
enum class Below {
  /// It never trains: what happens in training only is gone from it.
  Frozen,
  /// It trains as well, and keeps its modes.
  Training,
};

/// Finds the freeze line of any policy on any graph: the values that depend on inputs and frozen state only and are read by the rest. Sizes
/// and masks that need no weights are worked out anew in the suffix, so that they fit the batch at hand. What the network does for other
/// values of `constants` is left out: a branch is one piece otherwise, with all that it holds.
SplitResult split(const Network& network, const Trains& trains, const Constants& constants = {}, Below below = Below::Frozen);

}  // namespace graft::graph
