#include "graft/backbone/pyramid.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <span>

#include "graft/core/error.h"
#include "graft/data/collate.h"

namespace graft::backbone {
namespace {

constexpr std::size_t most_levels = 3;
constexpr std::int64_t usual_finest = 8;

/// Of the picture among the inputs [N, C, H, W]; 0 if there is none.
std::int64_t width_of(const Fields& inputs) {
  for (const auto& [name, tensor] : inputs) {
    if (tensor.dim() == 4) return tensor.size(3);
  }
  return 0;
}

/// A map inside the network; `block` if it is the output of layers that hold others.
struct Found {
  std::string name;
  bool block = false;
};

std::int64_t depth(const std::string& name) { return std::ranges::count(name, '.'); }

}  // namespace

std::vector<std::string> pyramid_levels(const Backbone& backbone, const Preprocess& preprocess) {
  std::vector<std::string> names;
  for (const Backbone::Tap& tap : backbone.taps()) {
    if (tap.is_module) names.push_back(tap.name);
  }
  const auto is_block = [&](const std::string& name) {
    return std::ranges::any_of(names, [&](const std::string& other) { return other.starts_with(name + "."); });
  };
  Rng rng(0);
  const std::vector<Sample> example = preprocess(preprocess.example(), rng, Mode::Eval);
  const Fields inputs = collate(std::span(example).first(1), preprocess.padding()).inputs;
  const std::int64_t width = width_of(inputs);
  std::map<std::int64_t, Found> by_stride;
  if (width > 0 && !names.empty()) {
    for (const auto& [name, tensor] : backbone.features(names)(inputs)) {
      if (tensor.dim() != 4 || tensor.size(3) < 2) continue;
      const std::int64_t stride = (width + tensor.size(3) - 1) / tensor.size(3);
      const Found here{name, is_block(name)};
      const auto known = by_stride.find(stride);
      // What comes later stands in, unless it lies deeper within the network's blocks.
      const bool better = known == by_stride.end() || (here.block && !known->second.block) ||
                          (here.block == known->second.block && (!here.block || depth(name) <= depth(known->second.name)));
      if (better) by_stride.insert_or_assign(stride, here);
    }
  }
  if (by_stride.empty()) {
    throw ModelError({.code = "graft-M035",
                      .message = "[Backbone] a network that makes maps [N, C, h, w] of a picture is wanted; no layer of this one does.",
                      .remedy = "Take a convolutional network (graft inspect FILE --features lists what a network gives).",
                      .place = ""});
  }
  auto first = std::ranges::find_if(by_stride, [](const auto& level) { return level.first >= usual_finest; });
  if (first == by_stride.end()) first = by_stride.begin();
  std::vector<std::string> levels;
  for (; first != by_stride.end(); ++first) levels.push_back(first->second.name);
  if (levels.size() > most_levels) levels.erase(levels.begin(), levels.end() - most_levels);
  return levels;
}

}  // namespace graft::backbone
