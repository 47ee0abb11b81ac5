#include "graph/random_draws.h"

#include <algorithm>
#include <string>

#include "graph/places.h"
#include "graph/walk.h"

namespace graft::graph {

void find_random_draws(const torch::jit::Module& module, std::vector<Finding>& findings) {
  static const std::vector<std::string> kinds{"aten::bernoulli", "aten::bernoulli_", "aten::rand",     "aten::rand_like",
                                              "aten::randn",     "aten::randn_like", "aten::uniform_", "aten::normal_"};
  Places places;
  for_each_call_site(module, [&](torch::jit::Node* node, const std::string& path) {
    // Within a branch it is likely the mode that decides.
    const bool always = node->owningBlock()->owningNode() == nullptr;
    if (always && std::ranges::find(kinds, node->kind().toQualString()) != kinds.end()) places.add(path);
  });
  if (places.count() == 0) return;
  findings.push_back({"graft-F019", FindingKind::Obstacle,
                      "[Backbone] random numbers are drawn in evaluation as well, so that answers differ from call to call: the network "
                      "was exported in train mode.",
                      "Export it in eval mode: network.eval() before.", places.text()});
}

}  // namespace graft::graph
