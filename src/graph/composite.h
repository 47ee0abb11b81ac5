#pragma once

#include <string>
#include <vector>

#include "graph/network.h"

namespace graft::graph {

/// How a backbone and a traced head become one network.
struct CompositeSpec {
  struct Input {
    /// A field's name; in the source, and for Python, it is identifier(name).
    std::string name;
    /// Optional inputs default to None.
    bool optional = false;
  };
  /// What the network reads, in order.
  std::vector<Input> inputs;
  /// What the backbone is called with, as TorchScript: "mask=attention_mask".
  std::vector<std::string> backbone_arguments;
  /// TorchScript expressions over `outputs` (what the backbone gives) and the inputs, one for each input of the head.
  std::vector<std::string> head_arguments;
};

/// A module {backbone, head} whose forward runs one after the other. Shares their tensors.
Network compose(const Network& backbone, const Network& head, const CompositeSpec& spec);

/// "pair.0" as a name in source: "pair_0".
std::string identifier(std::string name);

/// The TorchScript expression for an optional input that counts as all "ones" or "zeros", in the shape of another input, where it is None.
std::string or_filled(const std::string& input, const std::string& with, const std::string& like);

}  // namespace graft::graph
