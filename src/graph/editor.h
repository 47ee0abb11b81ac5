#pragma once

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include <functional>
#include <string>

#include "graph/network.h"

namespace graft::graph {

/// A copy of a network that may be changed. It keeps the two rules of graph surgery, which nothing else has to know then:
/// - nothing is edited after it first ran, as the executor keeps the plan of a graph's first run: classes and graphs are copied, and
/// tensors
///   are shared with the original;
/// - nothing is registered on a class that another module shares, as LibTorch would read that one's fields by the wrong layout.
class Editor {
 public:
  explicit Editor(const Network& network);

  torch::jit::Module& root() { return root_; }
  torch::jit::Graph& forward();

  /// Every method's graph once, with calls of free functions inlined, so that what they hold may differ from caller to caller.
  void for_each_graph(const std::function<void(torch::jit::Graph& graph)>& visit);

  /// A value that reads `self.training` where nodes are inserted. Gives the class the flag if it lacks one, and nothing if other modules
  /// share that class.
  torch::jit::Value* training_flag(torch::jit::Graph& graph);

  /// Makes a tensor a parameter or buffer "MODULE.NAME" of the network and gives a value that reads it where nodes are inserted.
  torch::jit::Value* add_tensor(const std::string& module, const std::string& name, const at::Tensor& tensor, bool trains);

  /// Takes dead code out and checks every graph. The editor is used up.
  Network finish();

 private:
  void require_sole(const torch::jit::Module& module) const;
  torch::jit::Module root_;
  Origin origin_;
};

}  // namespace graft::graph
