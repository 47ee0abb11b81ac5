#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/constants.h>

#include "graft/core/error.h"
#include "graph/loaded_check.h"
#include "graph/policy.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

[[noreturn]] void refuse(const std::string& function, const std::string& what, const std::string& path) {
  throw CheckpointError({.code = "graft-K016",
                         .message = "[Archive] code that only computes is wanted, " + function + " has \"" + what + ".",
                         .remedy = trust_remedy,
                         .place = path});
}

/// A cast that nobody checks must only take away "or None": with a wrong class LibTorch reads the fields of another object.
bool is_honest_cast(const jit::Node* node) {
  const auto& to = node->output()->type();
  if (to->kind() != c10::TypeKind::ClassType && to->kind() != c10::TypeKind::InterfaceType) return true;
  const auto& from = node->input()->type();
  return from->isSubtypeOf(*to) || from->isSubtypeOf(*c10::OptionalType::create(to));
}

}  // namespace

void check_graphs(const jit::Module& module, const std::string& path, Trust trust) {
  for (jit::Function* function : module._ivalue()->compilation_unit()->get_functions()) {
    auto* compiled = jit::tryToGraphFunction(*function);
    if (compiled == nullptr) continue;
    const std::string name = function->qualname().qualifiedName();
    for_each_node(compiled->graph()->block(), [&](jit::Node* node) {
      if (node->kind() == c10::prim::Constant) {
        if (const auto value = jit::toIValue(node->output())) check_value(*value, "a constant of " + name, path);
      }
      if (trust == Trust::Code) return;
      const std::string why = objection(node->kind().ns().toUnqualString(), node->kind().toUnqualString());
      if (!why.empty()) refuse(name, std::string(node->kind().toQualString()) + "\", which " + why, path);
      if (node->kind() == c10::prim::unchecked_cast && !is_honest_cast(node)) {
        refuse(name, "unchecked_cast\", which takes one object for another", path);
      }
    });
  }
}

}  // namespace graft::graph
