#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "graft/core/fields.h"
#include "graph/network.h"

namespace graft::backbone {

/// Published weights, of which the architecture is to be found.
struct Weights {
  Fields tensors;
  /// config.json beside them, or null.
  Json config;
  std::string place;

  bool has(const std::string& name) const { return tensors.has(name); }
  /// The sizes of a tensor; empty if there is none.
  std::vector<std::int64_t> sizes(const std::string& name) const;
  /// How many numbers follow each other from 0 on in the place of "#": "layer1.#.conv1.weight".
  std::int64_t count(const std::string& pattern) const;
  /// True if a name begins so.
  bool any(const std::string& prefix) const;
};

/// What an architecture makes of them.
struct Recipe {
  /// "resnet18"
  std::string name;
  /// With parameters and buffers still to be filled.
  graph::Network network;
  /// The file's tensors under the network's names.
  Fields tensors;
  /// What pictures must be made into, for the image step; null for other inputs.
  Json preprocess = nullptr;
  /// Tokens of the longest text that it reads.
  std::int64_t max_tokens = 0;
};

/// Each lies in a file of its own in architectures/, which the build finds by itself: "resnet.cpp" defines `Architecture resnet()`.
struct Architecture {
  /// As --arch has it.
  std::string name;
  /// Names by which its weights are known, for people.
  std::string keys;
  /// Nothing if the weights are of another architecture. Throws for weights of this one that it does not cover.
  std::function<std::optional<Recipe>(const Weights&)> recognize;
};
const std::vector<Architecture>& architectures();

/// The name with the first of these beginnings that it has replaced.
std::string replaced(const std::string& name, const std::vector<std::pair<std::string, std::string>>& beginnings);

/// The weights under other names; those whose name becomes empty are left out.
Weights renamed(const Weights& weights, const std::function<std::string(const std::string&)>& rename);

[[noreturn]] void refuse_config(const Json::exception& error, const std::string& place);
/// Runs what reads a config.json; a setting that is missing or of another type becomes a CheckpointError (graft-K006).
template <class Read>
auto reading_config(const std::string& place, const Read& read) {
  try {
    return read();
  } catch (const Json::exception& error) {
    refuse_config(error, place);
  }
}

/// Pictures as torchvision's weights want them (ImageNet's mean and standard deviation).
Json image_preprocess(std::int64_t size, const std::string& interpolation = "bilinear",
                      const std::vector<double>& mean = {0.485, 0.456, 0.406},
                      const std::vector<double>& deviation = {0.229, 0.224, 0.225});

}  // namespace graft::backbone
