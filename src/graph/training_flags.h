#pragma once

#include <torch/csrc/jit/api/module.h>

#include <functional>
#include <string>

namespace graft::graph {

/// Puts the network into the mode of a training step in which frozen state does not move. A module's `training` flag is set where
/// - its own parameters train or, for modules without own state such as dropout, some parameter below its nearest ancestor with parameters,
/// and
/// - an operation that the flag governs depends on something that trains: dropout between frozen layers stays off.
/// Every other flag is cleared, so frozen batch norm keeps its statistics and what precedes the first trained parameter is a fixed
/// function.
void train(torch::jit::Module& module, const std::function<bool(const std::string& parameter)>& trains);

/// Clears every flag.
void eval(torch::jit::Module& module);

}  // namespace graft::graph
