#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <map>
#include <optional>
#include <string>

namespace graft::graph {

/// What an operator uses a value for: {"conv", "weight"}.
struct WeightRole {
  std::string layer, name;
  /// The operator.
  const torch::jit::Node* user = nullptr;
  /// Running statistics move in training and take no gradient.
  bool trains = true;
};

/// The role of a value in the first operator that takes it as a weight.
std::optional<WeightRole> weight_role(const torch::jit::Value* value);

/// Numbers layers by kind, in the order in which they are asked for: "conv0", "conv1", "linear0".
class LayerNames {
 public:
  const std::string& of(const WeightRole& role);

 private:
  std::map<const torch::jit::Node*, std::string> names_;
  std::map<std::string, int> counts_;
};

}  // namespace graft::graph
