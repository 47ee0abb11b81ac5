#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "graft/core/error.h"
#include "graft/head/dense_head.h"

/// What the built-in heads share beside DenseHead: their options name the layers' options one by one, so that a user writes them in a row.
namespace graft::head {

template <class Options>
LayerOptions layers_of(const Options& options) {
  return {.hidden = options.hidden,
          .dropout = options.dropout,
          .own_layer = options.own_layer,
          .from = options.from,
          .pooling = options.pooling,
          .mask = options.mask,
          .unit_length = options.unit_length,
          .seed = options.seed,
          .width = options.width};
}

template <class Options>
void set_layers(Options& options, const LayerOptions& layers) {
  options.hidden = layers.hidden;
  options.dropout = layers.dropout;
  options.own_layer = layers.own_layer;
  options.from = layers.from;
  options.pooling = layers.pooling;
  options.mask = layers.mask;
  options.unit_length = layers.unit_length;
  options.seed = layers.seed;
  options.width = layers.width;
}

/// The layers' part of a head's config, and back. The seed is no part of it: saved weights are there.
Json config_of(const LayerOptions& layers);
LayerOptions layers_from(const Json& config);

/// Collects what is wrong with a head's options, and tells all of it at once.
class OptionCheck {
 public:
  explicit OptionCheck(std::string head) : head_(std::move(head)) {}
  void require(bool holds, const std::string& expectation, const std::string& remedy);
  /// In range, as LayerOptions says.
  void layers(const LayerOptions& layers);
  /// Finite and not negative.
  void focal_gamma(double gamma);
  /// All different, and at least so many of them; `expectation` says it.
  void names(const std::vector<std::string>& names, std::size_t least, const std::string& expectation, const std::string& remedy);
  /// One for each of `names` ("one class weight for each of the 3 labels"), or none.
  void one_each(const std::vector<double>& values, const std::vector<std::string>& names, const std::string& what, const std::string& of);
  /// Throws ConfigError if something was wrong.
  void done() const;

 private:
  std::string head_;
  std::vector<Problem> problems_;
};

}  // namespace graft::head
