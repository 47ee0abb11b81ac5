#include "graph/fused_kernels.h"

#include <torch/csrc/jit/passes/constant_propagation.h>

#include "graph/editor.h"
#include "graph/places.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

bool only_infers(const jit::Node* node) {
  const std::string kind = node->kind().toQualString();
  return kind == "aten::_transformer_encoder_layer_fwd" || kind == "aten::_native_multi_head_attention" ||
         kind == "aten::_nested_tensor_from_mask";
}

/// The branch of an if that holds the node, or null.
jit::Block* branch_of(jit::Node* node) {
  jit::Block* block = node->owningBlock();
  return block->owningNode() != nullptr && block->owningNode()->kind() == c10::prim::If ? block : nullptr;
}

}  // namespace

void find_fused_kernels(const jit::Module& module, std::vector<Finding>& findings) {
  Places guarded, plain;
  for_each_call_site(module, [&](jit::Node* node, const std::string& path) {
    if (only_infers(node)) (branch_of(node) != nullptr ? guarded : plain).add(path);
  });
  if (guarded.count() > 0) {
    findings.push_back(
        {"graft-F006", FindingKind::Repairable,
         "[Backbone] " + counted(guarded.count(), "fused kernel") +
             " for inference beside the path that trains: evaluation takes it, and what is added to the weights is passed over there.",
         "Repair it: evaluation takes the path that trains, equal to 1e-6.", guarded.text()});
  }
  if (plain.count() > 0) {
    findings.push_back(
        {"graft-F007", FindingKind::Obstacle,
         "[Backbone] " + counted(plain.count(), "fused kernel") +
             " for inference on the only path: it has no gradient, so nothing before it can train.",
         "Export again: call torch.backends.mha.set_fastpath_enabled(False) before torch.jit.trace, or use torch.jit.script.",
         plain.text()});
  }
}

void repair_fused_kernels(Editor& editor) {
  editor.for_each_graph([](jit::Graph& graph) {
    bool changed = false;
    for_each_node(graph.block(), [&](jit::Node* node) {
      jit::Block* branch = only_infers(node) ? branch_of(node) : nullptr;
      if (branch == nullptr) return;
      jit::Node* choice = branch->owningNode();
      const jit::WithInsertPoint at(*graph.block()->nodes().begin());
      jit::Value* condition = choice->input(0);
      jit::Value* decided = graph.insertConstant(branch == choice->blocks()[1]);
      // What comes after the branch may ask the same condition again; an attribute serves others too.
      if (condition->node()->kind() == c10::prim::GetAttr) {
        choice->replaceInput(0, decided);
      } else {
        condition->replaceAllUsesWith(decided);
      }
      changed = true;
    });
    if (!changed) return;
    auto shared = graph.shared_from_this();
    jit::ConstantPropagationImmutableTypes(shared);
  });
}

}  // namespace graft::graph
