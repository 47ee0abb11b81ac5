#include "graph/findings.h"

#include <algorithm>

#include "core/names.h"
#include "graph/baked_flags.h"
#include "graph/editor.h"
#include "graph/fixed_devices.h"
#include "graph/fixed_sizes.h"
#include "graph/frozen_weights.h"
#include "graph/fused_kernels.h"
#include "graph/gradient_paths.h"
#include "graph/places.h"
#include "graph/random_draws.h"
#include "graph/weight_notes.h"

namespace graft::graph {
namespace {

void find_state(const Network& network, std::vector<Finding>& findings) {
  Places places;
  for (const std::string& attribute : network.state()) places.add(attribute);
  if (places.count() == 0) return;
  std::string reset;
  for (const std::string& method : network.method_names()) {
    if (method.find("reset") != std::string::npos) reset = method;
  }
  findings.push_back({"graft-F015", FindingKind::Note,
                      "[Backbone] forward leaves a state behind for the next call" + (reset.empty() ? "." : "; " + reset + "() clears it."),
                      "Nothing to do: a model starts each batch from the state in the file.", places.text()});
}

void find_origin(const Network& network, std::vector<Finding>& findings) {
  for (const std::string& device : network.origin().devices) {
    if (device == "cpu") continue;
    findings.push_back({"graft-F016", FindingKind::Note, "[Backbone] the file was saved on \"" + device + "\".",
                        "Nothing to do: it is loaded to the CPU and moved from there.", ""});
  }
  if (const auto& fixed = network.origin().fixed_sizes; !fixed.empty()) {
    std::string sizes, line;
    for (std::size_t i = 0; i < fixed.size(); ++i) {
      const std::string dimension = std::to_string(fixed[i].dimension);
      sizes += (i == 0 ? "" : ", ") + std::string("dimension ") + dimension + " of \"" + fixed[i].input + "\" is " +
               std::to_string(fixed[i].size);
      const bool first = i == 0 || fixed[i - 1].input != fixed[i].input;
      line += (first ? (i == 0 ? "\"" : "}, \"") + fixed[i].input + "\": {" : ", ") + dimension + ": torch.export.Dim.AUTO";
    }
    findings.push_back({"graft-F018", FindingKind::Note, "[Backbone] the exporter wrote sizes down as numbers: " + sizes + ".",
                        "If other sizes fail, export with dynamic_shapes={" + line + "}}.", ""});
  }
  if (network.origin().mobile) {
    findings.push_back({"graft-F017", FindingKind::Note, "[Backbone] the file was made for the mobile interpreter.",
                        "Nothing to do: its TorchScript is read.", ""});
  }
}

}  // namespace

std::vector<Finding> findings(const Network& network) {
  std::vector<Finding> found;
  const torch::jit::Module& module = network.module();
  find_frozen_weights(module, found);
  find_prepacked_weights(module, found);
  find_baked_flags(module, found);
  find_fused_kernels(module, found);
  find_fixed_devices(module, found);
  // Of what torch.export wrote down it tells itself: graft-F018.
  if (!network.origin().exported) find_fixed_sizes(module, found);
  find_gradient_paths(module, found);
  find_weight_notes(module, found);
  find_random_draws(module, found);
  // A flag that is on lets statistics move in evaluation; that is no state of its own, and told already.
  if (std::ranges::find(found, "graft-F002", &Finding::code) == found.end()) find_state(network, found);
  find_origin(network, found);
  std::ranges::stable_sort(found, std::greater{}, &Finding::kind);
  return found;
}

std::set<std::string> reached_by_gradient(const Network& network) { return parameters_with_gradient(network.module()); }

Network repaired(const Network& network) {
  Editor editor(network);
  unpack(editor);
  thaw(editor);
  repair_baked_flags(editor);
  repair_fused_kernels(editor);
  repair_fixed_devices(editor);
  return editor.finish();
}

}  // namespace graft::graph
