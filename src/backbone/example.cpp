#include "backbone/example.h"

#include <ATen/ATen.h>

#include <charconv>

#include "core/names.h"
#include "graft/core/error.h"
#include "graph/ends.h"
#include "graph/network.h"

namespace graft::backbone {
namespace {

using Candidates = std::vector<at::Tensor>;

/// What an argument may be, likeliest first.
Candidates candidates(const graph::FirstUse& use, const std::string& name) {
  const auto numbers = [](std::vector<std::int64_t> sizes) { return at::zeros(sizes); };
  const at::Tensor ids = at::ones({2, 16}, at::kLong);
  if (name.find("mask") != std::string::npos) return {ids, at::ones({2, 16}), at::ones({2, 16}, at::kBool)};
  const std::int64_t width = use.width;
  switch (use.kind) {
    case graph::FirstUse::Kind::Pictures: {
      Candidates all;
      for (const std::int64_t side : {224, 64, 32, 28, 16, 8}) all.push_back(numbers({2, width, side, side}));
      return all;
    }
    case graph::FirstUse::Kind::Signals: {
      Candidates all;
      for (const std::int64_t length : {16000, 512, 64}) all.push_back(numbers({2, width, length}));
      return all;
    }
    case graph::FirstUse::Kind::Tokens:
      return {ids, at::ones({2}, at::kLong)};
    case graph::FirstUse::Kind::Vectors:
      return {numbers({2, width}), numbers({2, 16, width})};
    case graph::FirstUse::Kind::Unknown:
      break;
  }
  return {ids, numbers({2, 3, 224, 224}), numbers({2, 512}), numbers({2, 16})};
}

/// Tries all combinations until one runs, up to a limit.
bool run_some(const Backbone& backbone, const std::vector<std::pair<std::string, Candidates>>& open, std::size_t at, Fields& inputs,
              int& budget) {
  if (at == open.size()) {
    if (--budget < 0) return false;
    try {
      backbone(inputs);
      return true;
    } catch (const ModelError&) {
      return false;
    }
  }
  for (const at::Tensor& tensor : open[at].second) {
    inputs.set(open[at].first, tensor);
    if (run_some(backbone, open, at + 1, inputs, budget)) return true;
  }
  return false;
}

}  // namespace

Fields example_inputs(const Backbone& backbone, const Shapes& given) {
  std::vector<std::pair<std::string, Candidates>> open;
  for (const graph::Argument& argument : backbone.source().arguments()) {
    if (argument.kind == graph::Argument::Kind::Other || backbone.options().constants.contains(argument.name)) continue;
    if (const auto shape = given.find(argument.name); shape != given.end()) {
      open.emplace_back(argument.name, Candidates{at::zeros(shape->second), at::ones(shape->second, at::kLong)});
    } else if (!argument.has_default()) {
      open.emplace_back(argument.name, candidates(graph::first_use(backbone.source(), argument.name), argument.name));
    }
  }
  Fields inputs;
  int budget = 64;
  if (run_some(backbone, open, 0, inputs, budget)) return inputs;
  throw ModelError({.code = "graft-M021",
                    .message = "[Backbone] no input was found that the network runs on, so shapes cannot be told.",
                    .remedy = "Give one: --shape NAME=2x3x224x224, and --constant NAME=VALUE for arguments that are no tensors.",
                    .place = ""});
}

Shapes parse_shapes(const Backbone& backbone, const std::vector<std::string>& texts) {
  Shapes shapes;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    const std::string name =
        equals == std::string::npos ? (backbone.arguments().empty() ? "" : backbone.arguments().front().name) : text.substr(0, equals);
    std::vector<std::int64_t> sizes;
    const char* at = text.data() + (equals == std::string::npos ? 0 : equals + 1);
    const char* const end = text.data() + text.size();
    for (bool more = at < end; more;) {
      std::int64_t size = 0;
      const auto [next, error] = std::from_chars(at, end, size);
      const bool good = error == std::errc() && size > 0 && (next == end || *next == 'x');
      if (!good) {
        throw ConfigError({.code = "graft-C024",
                           .message = "[Backbone] a shape such as 2x3x224x224 is wanted, got \"" + text + "\".",
                           .remedy = "Write --shape NAME=2x3x224x224.",
                           .place = ""});
      }
      sizes.push_back(size);
      more = next != end;
      at = next + 1;
    }
    shapes[name] = sizes;
  }
  return shapes;
}

}  // namespace graft::backbone
