#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "graph/split.h"

namespace graft::test {

/// A network of one class whose forward is this code, with these weights.
graph::Network network_of(const std::string& code, const std::vector<std::pair<std::string, at::Tensor>>& weights);

/// Inputs for the golden networks (tests/golden/make_checkpoints.py): "resnet", "bert", ...
std::vector<c10::IValue> inputs_of(const std::string& name, std::int64_t rows);

/// Modules with parameters in order of use: what a policy freezes from the bottom.
std::vector<std::string> parts(const graph::Network& network);
/// All parameters of the parts above the first `frozen` ones.
std::set<std::string> above(const graph::Network& source, const std::vector<std::string>& order, std::size_t frozen);

struct Step {
  at::Tensor output;
  std::vector<at::Tensor> gradients, buffers;
};
/// One step of SGD on `network`, with `run` for its forward.
Step step(const graph::Network& network, const std::function<at::Tensor()>& run);

/// What a split network's suffix reads: of the whole network's inputs, and of the cut.
std::vector<c10::IValue> arguments_of(const graph::Network& network, const graph::Split& split, const std::vector<c10::IValue>& inputs,
                                      const Fields& cut);

}  // namespace graft::test
