#include "graft/backbone/surgery.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "graft/core/error.h"
#include "graft/core/rng.h"
#include "graph/ends.h"
#include "graph/network.h"

namespace graft::backbone {
namespace {

at::Tensor tensor_named(const Backbone& whole, const std::string& name) {
  for (const auto& [parameter, tensor] : whole.source().parameters()) {
    if (parameter == name) return tensor;
  }
  throw ModelError({.code = "graft-M018",
                    .message = "[Backbone] \"" + name + "\" is no parameter, so it cannot be exchanged.",
                    .remedy = "Repair the network first: Backbone::repair() makes constants parameters again.",
                    .place = ""});
}

/// Rows as torch.nn.Linear draws them: uniform within 1 / sqrt(width).
at::Tensor drawn(at::IntArrayRef sizes, std::int64_t width, Rng rng) {
  at::Tensor values = at::empty(sizes);
  const double bound = 1 / std::sqrt(static_cast<double>(width));
  for (std::int64_t i = 0; i < values.numel(); ++i)
    values.mutable_data_ptr<float>()[i] = static_cast<float>(bound * (2 * rng.uniform() - 1));
  return values;
}

void check(const ClassesOptions& options, std::int64_t rows) {
  const bool fits = std::ranges::all_of(options.keep, [&](std::int64_t row) { return row >= 0 && row < rows; });
  if (options.classes >= 1 && fits && static_cast<std::int64_t>(options.keep.size()) <= options.classes) return;
  throw ConfigError({.code = "graft-C023",
                     .message = "[Backbone] at least one class, and no more kept rows than classes, each in [0, " + std::to_string(rows) +
                                "), are wanted; got " + std::to_string(options.classes) + " classes and " +
                                std::to_string(options.keep.size()) + " rows.",
                     .remedy = "Name rows of the old classifier.",
                     .place = ""});
}

}  // namespace

Backbone without_classifier(const Backbone& whole) {
  return Backbone(graph::without_classifier(whole.source()), whole.options(), whole.files());
}

Backbone with_classes(const Backbone& whole, const ClassesOptions& options) {
  const c10::NoGradGuard no_grad;
  const auto last = graph::classifier(whole.source());
  if (!last) {
    throw ModelError({.code = "graft-M023",
                      .message = "[Backbone] the network does not end in a linear layer, so there is no classifier to replace.",
                      .remedy = "Take features of it (graft inspect FILE --features) and a head with a layer of its own.",
                      .place = ""});
  }
  const at::Tensor weight = tensor_named(whole, last->weight);  // [old classes, D]
  check(options, weight.size(0));
  std::vector<std::pair<std::string, at::Tensor>> changed;
  const auto exchange = [&](const std::string& name, const at::Tensor& old, std::uint64_t stream) {
    auto sizes = old.sizes().vec();
    sizes[0] = options.classes;
    at::Tensor fresh = drawn(sizes, weight.size(1), Rng(options.seed, stream)).to(old.options());
    for (std::size_t i = 0; i < options.keep.size(); ++i) fresh[static_cast<std::int64_t>(i)].copy_(old[options.keep[i]]);
    changed.emplace_back(name, fresh);
  };
  exchange(last->weight, weight, 1);
  if (!last->bias.empty()) exchange(last->bias, tensor_named(whole, last->bias), 2);
  return Backbone(whole.source().with_tensors(changed), whole.options(), whole.files());
}

Backbone with_input_channels(const Backbone& whole, std::int64_t channels) {
  const c10::NoGradGuard no_grad;
  const std::string name = graph::first_convolution(whole.source());
  if (name.empty() || channels < 1) {
    throw ModelError({.code = "graft-M019",
                      .message = "[Backbone] a first convolution and at least one channel are wanted, got " +
                                 (name.empty() ? "no convolution" : std::to_string(channels) + " channels") + ".",
                      .remedy = "Change the channels of the data instead.",
                      .place = ""});
  }
  const at::Tensor old = tensor_named(whole, name);  // [C, I, ...]
  const std::int64_t before = old.size(1);
  at::Tensor fresh = old.sum(1, /*keepdim=*/true);
  if (channels > 1) {
    const at::Tensor turn = at::arange(channels, at::kLong).remainder(before);
    fresh = old.index_select(1, turn) * (static_cast<double>(before) / static_cast<double>(channels));
  }
  return Backbone(whole.source().with_tensors({{name, fresh}}), whole.options(), whole.files());
}

}  // namespace graft::backbone
