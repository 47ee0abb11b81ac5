#include "graph/weight_notes.h"

#include <map>
#include <unordered_map>

#include "graph/places.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

void find_quantized(const jit::Module& module, std::vector<Finding>& findings) {
  Places places;
  for_each_call_site(module, [&](jit::Node* node, const std::string& path) {
    const std::string kind = node->kind().toUnqualString();
    const bool computes = kind.starts_with("linear") || kind.starts_with("conv") || kind.starts_with("batch_norm") ||
                          kind.starts_with("embedding") || kind.find("lstm") != std::string::npos || kind.find("gru") != std::string::npos;
    if (node->kind().ns().toUnqualString() == std::string("quantized") && computes && !kind.ends_with("prepack") &&
        !kind.ends_with("unpack"))
      places.add_once(path);
  });
  if (places.count() == 0) return;
  findings.push_back({"graft-F011", FindingKind::Obstacle,
                      "[Backbone] " + counted_are(places.count(), "layer") +
                          " quantized: their weights are packed numbers of 8 bits, no parameters, and no gradient passes through.",
                      "Use it frozen (--preset probe); to train it, export the network before quantization.", places.text()});
}

void find_types(const jit::Module& module, std::vector<Finding>& findings) {
  std::map<std::string, Places> types;
  for (const auto& parameter : module.named_parameters(/*recurse=*/true)) {
    const auto type = parameter.value.scalar_type();
    if (type != at::kFloat && type != at::kDouble) types[c10::toString(type)].add(parameter.name);
  }
  for (const auto& [type, places] : types) {
    const bool floats = type == "Half" || type == "BFloat16";
    findings.push_back({"graft-F012", floats ? FindingKind::Note : FindingKind::Obstacle,
                        "[Backbone] " + counted_are(places.count(), "parameter") + " of the type " + type +
                            (floats ? ", too coarse to take small steps." : ", which cannot train."),
                        floats ? "Export it in float32 (model.float()) to train it; frozen it serves as it is." : "Freeze them.",
                        places.text()});
  }
}

void find_flags(const jit::Module& module, std::vector<Finding>& findings) {
  std::size_t all = 0, on = 0;
  Places off;
  for (const auto& parameter : module.named_parameters(/*recurse=*/true)) {
    ++all;
    on += parameter.value.requires_grad();
    if (!parameter.value.requires_grad()) off.add(parameter.name);
  }
  if (on == all) return;
  findings.push_back({"graft-F013", FindingKind::Note,
                      "[Backbone] " + std::to_string(on) + " of " + counted(all, "parameter") + " require gradients as saved.",
                      "Nothing to do: the freeze policy decides anew (--freeze).", off.text()});
}

void find_ties(const jit::Module& module, std::vector<Finding>& findings) {
  std::unordered_map<const c10::TensorImpl*, std::string> first;
  Places ties;
  for (const auto& parameter : module.named_parameters(/*recurse=*/true)) {
    const auto [known, is_new] = first.emplace(parameter.value.unsafeGetTensorImpl(), parameter.name);
    if (!is_new) ties.add(known->second + " = " + parameter.name);
  }
  if (ties.count() == 0) return;
  findings.push_back({"graft-F014", FindingKind::Note, "[Backbone] " + counted_are(ties.count(), "weight") + " used under two names.",
                      "Nothing to do: a tied weight is stepped once, and trains if one of its names does.", ties.text()});
}

}  // namespace

void find_weight_notes(const jit::Module& module, std::vector<Finding>& findings) {
  find_quantized(module, findings);
  find_types(module, findings);
  find_flags(module, findings);
  find_ties(module, findings);
}

}  // namespace graft::graph
