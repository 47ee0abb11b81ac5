#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <optional>
#include <string>
#include <vector>

namespace graft::graph {

/// An activation that oneDNN applies to a product while it is in the cache.
struct Activation {
  torch::jit::Node* node = nullptr;
  /// oneDNN's name for it, its numbers, and which formula ("none", "tanh") where there are several.
  std::string name = "none";
  std::vector<double> numbers = {};
  std::optional<std::string> formula = std::nullopt;
};

/// The activation that alone reads a value; without a node if there is none.
Activation activation_after(const torch::jit::Value* value);

/// The sum that alone reads a value, added without a factor, and what is added to it.
struct Sum {
  torch::jit::Node* node = nullptr;
  torch::jit::Value* other = nullptr;
};
Sum sum_after(const torch::jit::Value* value);

/// True for the types of numbers that oneDNN has kernels for on this processor.
bool has_kernels(at::ScalarType type);

/// Arguments of oneDNN's operators at the graph's insertion point.
torch::jit::Value* numbers_argument(torch::jit::Graph& graph, const std::vector<double>& numbers);
torch::jit::Value* formula_argument(torch::jit::Graph& graph, const std::optional<std::string>& formula);
/// A weight in oneDNN's layout.
torch::jit::Value* packed_argument(torch::jit::Graph& graph, const at::Tensor& packed);

}  // namespace graft::graph
