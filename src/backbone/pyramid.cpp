#include "graft/backbone/pyramid.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>

#include "graft/core/error.h"

namespace graft::backbone {
namespace {

constexpr std::size_t most_levels = 3;
constexpr std::int64_t usual_finest = 8;

std::int64_t width_of(const Fields& inputs) {
  for (const auto& [name, tensor] : inputs) {
    if (tensor.dim() == 4) return tensor.size(3);
  }
  return 0;
}

std::int64_t depth(const std::string& name) { return std::ranges::count(name, '.'); }

}  // namespace

std::vector<PyramidLevel> pyramid_levels(const Backbone& backbone, const Fields& inputs) {
  std::vector<std::string> names;
  for (const Backbone::Tap& tap : backbone.taps()) {
    if (tap.is_module) names.push_back(tap.name);
  }
  const auto is_block = [&](const std::string& name) {
    return std::ranges::any_of(names, [&](const std::string& other) { return other.starts_with(name + "."); });
  };
  const std::int64_t width = width_of(inputs);
  struct Found {
    PyramidLevel level;
    bool block;
  };
  std::map<std::int64_t, Found> by_stride;
  if (width > 0 && !names.empty()) {
    for (const auto& [name, tensor] : backbone.features(names)(inputs)) {
      if (tensor.dim() != 4 || tensor.size(3) < 2) continue;
      const Found here{{name, tensor.size(1), (width + tensor.size(3) - 1) / tensor.size(3)}, is_block(name)};
      const auto known = by_stride.find(here.level.stride);
      // What comes later stands in, unless it lies deeper within the network's blocks.
      const bool better = known == by_stride.end() || (here.block && !known->second.block) ||
                          (here.block == known->second.block && (!here.block || depth(name) <= depth(known->second.level.name)));
      if (better) by_stride.insert_or_assign(here.level.stride, here);
    }
  }
  if (by_stride.empty()) {
    throw ModelError({.code = "graft-M035",
                      .message = "[Backbone] a network that makes maps [N, C, h, w] of a picture is wanted; no layer of this one does.",
                      .remedy = "Take a convolutional network (graft inspect FILE --features lists what a network gives).",
                      .place = ""});
  }
  std::vector<PyramidLevel> levels;
  for (const auto& [stride, found] : by_stride) levels.push_back(found.level);
  const auto usual = std::ranges::find_if(levels, [](const PyramidLevel& level) { return level.stride >= usual_finest; });
  if (usual != levels.end()) levels.erase(levels.begin(), usual);
  if (levels.size() > most_levels) levels.erase(levels.begin(), levels.end() - most_levels);
  return levels;
}

}  // namespace graft::backbone
