#include "graph/fixed_sizes.h"

#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>
#include <optional>

#include "graft/core/fields.h"
#include "graph/places.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

/// The numbers of a list, if all of them are constants.
std::optional<std::vector<std::int64_t>> constant_sizes(const jit::Value* list) {
  if (const auto value = jit::toIValue(list); value && value->isIntList()) return value->toIntVector();
  if (list->node()->kind() != c10::prim::ListConstruct) return std::nullopt;
  std::vector<std::int64_t> sizes;
  for (const jit::Value* element : list->node()->inputs()) {
    const auto value = jit::toIValue(element);
    if (!value || !value->isInt()) return std::nullopt;
    sizes.push_back(value->toInt());
  }
  return sizes;
}

/// The sizes that an operator gives whatever comes in, or nothing.
std::optional<std::vector<std::int64_t>> fixed_sizes(const jit::Node* node) {
  const bool reshapes = node->kind() == c10::aten::view || node->kind() == c10::aten::reshape || node->kind() == c10::aten::_unsafe_view;
  const bool expands = node->kind() == c10::aten::expand;
  if (!reshapes && !expands) return std::nullopt;
  const auto sizes = constant_sizes(node->input(1));
  if (!sizes || sizes->size() < 2) return std::nullopt;
  if (expands) return sizes->front() > 0 ? sizes : std::nullopt;  // -1 keeps a size
  const auto maker = node->input(0)->node()->kind();
  if (maker == c10::prim::GetAttr || maker == c10::prim::Constant) return std::nullopt;  // a table of the network's own
  return std::ranges::all_of(*sizes, [](std::int64_t size) { return size >= 0; }) ? sizes : std::nullopt;
}

}  // namespace

void find_fixed_sizes(const jit::Module& module, std::vector<Finding>& findings) {
  Places places;
  std::string first;
  for_each_call_site(module, [&](jit::Node* node, const std::string& path) {
    const auto sizes = fixed_sizes(node);
    if (!sizes) return;
    places.add(path);
    if (first.empty()) first = std::string(node->kind().toUnqualString()) + " to " + shape_text(*sizes);
  });
  if (places.count() == 0) return;
  findings.push_back({"graft-F010", FindingKind::Obstacle,
                      "[Backbone] tracing wrote down sizes in " + counted(places.count(), "place") + " (" + first +
                          "): the network takes batches and lengths of the example's size only.",
                      "Export again with torch.jit.script, or with sizes from -1 and flatten() in place of int(x.shape[0]).",
                      places.text()});
}

}  // namespace graft::graph
