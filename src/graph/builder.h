#pragma once

#include <string>

#include "graph/network.h"

namespace graft::graph {

/// Builds a network from TorchScript source, module by module.
class Builder {
 public:
  explicit Builder(const std::string& class_name);

  Builder& parameter(const std::string& name, const at::Tensor& tensor);
  Builder& buffer(const std::string& name, const at::Tensor& tensor);
  /// The child becomes part of this module.
  Builder& child(const std::string& name, const Builder& module);
  /// Methods as TorchScript source. Children are called as `self.name.forward(x)`, those with other than a plain name through
  /// `getattr(self, "0").forward(x)`. Throws ModelError if the source does not compile.
  Builder& define(const std::string& source);
  /// Another module of the same class, with tensors of its own.
  Builder copy() const;

  Network network() const { return network_; }

 private:
  explicit Builder(Network network) : network_(std::move(network)) {}
  Network network_;
};

/// A number as TorchScript source: with all its digits, and never mistaken for an integer.
std::string literal(double value);

}  // namespace graft::graph
