#pragma once

#include <string>

#include "graph/archive_check.h"

namespace c10 {
struct IValue;
}
namespace torch::jit {
struct Module;
}

namespace graft::graph {

/// Follows everything a loaded network holds, attribute by attribute, before any of it runs: LibTorch believes what a file says about
/// tensors and about the types of attributes. Throws CheckpointError: graft-K017 for a tensor that reaches beyond its storage, graft-K014
/// for a value of another type than its class declares.
void check_values(const torch::jit::Module& module, const std::string& path);

/// Goes through the graphs of all functions: tensor constants as above, and, unless code is trusted, the operators (graft-K016), which the
/// sources cannot tell from methods of the same name.
void check_graphs(const torch::jit::Module& module, const std::string& path, Trust trust);

/// The same for one value; `what` names it.
void check_value(const c10::IValue& value, const std::string& what, const std::string& path);

}  // namespace graft::graph
