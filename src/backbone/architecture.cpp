#include "backbone/architecture.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "graft/core/error.h"

namespace graft::backbone {

std::vector<std::int64_t> Weights::sizes(const std::string& name) const {
  const at::Tensor* tensor = tensors.find(name);
  return tensor == nullptr ? std::vector<std::int64_t>{} : tensor->sizes().vec();
}

std::int64_t Weights::count(const std::string& pattern) const {
  const std::size_t mark = pattern.find('#');
  std::int64_t found = 0;
  while (has(pattern.substr(0, mark) + std::to_string(found) + pattern.substr(mark + 1))) ++found;
  return found;
}

bool Weights::any(const std::string& prefix) const {
  return std::ranges::any_of(tensors, [&](const auto& named) { return named.first.starts_with(prefix); });
}

std::string replaced(const std::string& name, const std::vector<std::pair<std::string, std::string>>& beginnings) {
  for (const auto& [from, to] : beginnings) {
    if (name.starts_with(from)) return to + name.substr(from.size());
  }
  return name;
}

Weights renamed(const Weights& weights, const std::function<std::string(const std::string&)>& rename) {
  Weights made{{}, weights.config, weights.place};
  for (const auto& [name, tensor] : weights.tensors) {
    if (const std::string other = rename(name); !other.empty()) made.tensors.set(other, tensor);
  }
  return made;
}

void refuse_config(const Json::exception& error, const std::string& place) {
  throw CheckpointError({.code = "graft-K006",
                         .message = "[Import] the config lacks a setting, or one has another type than it should.",
                         .remedy = "Bring the config.json that was published with the weights.",
                         .place = place},
                        error.what());
}

Json image_preprocess(std::int64_t size, const std::string& interpolation, const std::vector<double>& mean,
                      const std::vector<double>& deviation) {
  return {{"type", "image"}, {"size", size}, {"interpolation", interpolation}, {"mean", mean}, {"std", deviation}, {"channels", "RGB"}};
}

}  // namespace graft::backbone
