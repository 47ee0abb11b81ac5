#pragma once

#include <torch/csrc/jit/api/module.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace graft::graph {

/// A TorchScript file in memory.
struct Archive {
  torch::jit::Module module;
  /// Those of the asked-for extra files that the archive holds.
  std::map<std::string, std::string> files;
};

/// Reads an archive to the CPU. Throws CheckpointError that says what the file is when it is no TorchScript.
Archive load(const std::string& path, const std::vector<std::string>& extra_files = {});

/// Writes an archive atomically. Throws SystemError if it cannot be written.
void save(const torch::jit::Module& module, const std::string& path, const std::map<std::string, std::string>& extra_files);

/// One argument of a network's forward, `self` left out.
struct Argument {
  enum class Kind { Tensor, OptionalTensor, Other };
  std::string name;
  Kind kind = Kind::Other;
  /// The type as TorchScript writes it.
  std::string type;
  bool has_default = false;
};

std::vector<Argument> arguments(const torch::jit::Module& module);

/// A copy of the module tree on the same classes. Tensors share their storage with the original, but for those that `trains` names: they
/// are clones that require gradients. Each copy has its own tensor objects, so requires_grad, gradients and device are its own; ties hold,
/// and a tied tensor trains if one of its names does.
torch::jit::Module instance(const torch::jit::Module& module, const std::function<bool(const std::string& name)>& trains);

/// "the last line of what went wrong", without interpreter traces and backtraces.
std::string reason(const std::exception& error);

}  // namespace graft::graph
