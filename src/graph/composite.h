#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>
#include <vector>

#include "graph/trace.h"

namespace graft::graph {

/// How a backbone and a traced head become one network.
struct CompositeSpec {
  struct Input {
    std::string name;
    /// Optional inputs default to None.
    bool optional = false;
  };
  /// What the network reads, in order.
  std::vector<Input> inputs;
  /// TorchScript expressions over the inputs, one for each argument of the backbone.
  std::vector<std::string> backbone_arguments;
  /// TorchScript expressions over `outputs` (what the backbone gives) and the inputs, one for each input of the head.
  std::vector<std::string> head_arguments;
};

/// A module {backbone, head} whose forward runs one after the other. Shares their tensors.
torch::jit::Module compose(const torch::jit::Module& backbone, const torch::jit::Module& head, const CompositeSpec& spec);

/// A number, flag or text as TorchScript source.
std::string literal(double value);

}  // namespace graft::graph
