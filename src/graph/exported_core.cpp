#include "graph/exported_core.h"

#include <algorithm>
#include <set>

#include "graph/exported_operator.h"

namespace graft::graph {
namespace {

void give(ExportedProgram::Node& node, const std::string& name, bool value) {
  node.inputs.push_back({{"name", name}, {"arg", {{"as_bool", value}}}});
}

}  // namespace

void join_layers(ExportedProgram& program) {
  std::set<std::string> gone;
  for (ExportedProgram::Node& node : program.nodes) {
    const bool training_norm = node.target == "torch.ops.aten._native_batch_norm_legit_functional.default";
    const bool norm = training_norm || node.target == "torch.ops.aten._native_batch_norm_legit_no_training.default";
    const bool dropout = node.target == "torch.ops.aten.native_dropout.default";
    if (!norm && !dropout) continue;
    const std::vector<std::string> results = results_of(node);
    gone.insert(results.begin() + 1, results.end());
    node.outputs.erase(node.outputs.begin() + 1, node.outputs.end());
    if (dropout) {
      node.target = "torch.ops.aten.dropout.default";
      continue;
    }
    node.target = "torch.ops.aten.batch_norm.default";
    if (!training_norm) give(node, "training", false);
    give(node, "cudnn_enabled", true);
  }
  // The norm moves its statistics itself.
  std::erase_if(program.buffer_updates, [&](const auto& update) { return gone.contains(update.second); });
}

}  // namespace graft::graph
