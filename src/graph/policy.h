#pragma once

#include <string>
#include <string_view>

namespace graft::graph {

/// What to do about code that may not run.
inline const std::string trust_remedy = "Load it with trust only if you know who made it: its code may do anything that this program may.";
/// What to do about a file that is damaged or made to do damage.
inline const std::string fetch_again_remedy = "Fetch or export the file again; if it stays so, do not trust where it came from.";

/// Names of operators that touch files or memory beyond their tensors; as methods of a tensor they are reached without a namespace.
bool is_forbidden_operator(std::string_view name);

/// Namespaces whose operators compute on their arguments and do nothing else.
bool is_known_namespace(std::string_view space);

/// Namespaces of classes in C++ that hold packed weights. Others open sockets (c10d, dist_rpc) or load libraries (_nnapi).
bool is_known_class_namespace(std::string_view space);

/// Why "aten::save" may not run: "touches files or memory beyond its tensors"; empty if it may.
std::string objection(std::string_view space, std::string_view name);

/// The first name in the text of a class in C++ that may not be made; empty if there is none. Reads "List[__torch__.torch.classes.c10d.X]".
std::string forbidden_class(std::string_view text);

/// True if LibTorch, or a library that was loaded into the process, has an operator of this name.
bool operator_exists(const std::string& space, const std::string& name);

}  // namespace graft::graph
