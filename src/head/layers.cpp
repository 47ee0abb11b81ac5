#include "head/layers.h"

#include <cmath>
#include <set>

#include "core/names.h"

namespace graft::head {

Json config_of(const LayerOptions& layers) {
  return {{"hidden", layers.hidden},
          {"dropout", layers.dropout},
          {"own_layer", layers.own_layer},
          {"from", layers.from},
          {"pooling", pooling_name(layers.pooling.value_or(Pooling::None))},
          {"mask", layers.mask},
          {"unit_length", layers.unit_length},
          {"width", layers.width}};
}

LayerOptions layers_from(const Json& config) {
  return {.hidden = config.at("hidden"),
          .dropout = config.at("dropout"),
          .own_layer = config.value("own_layer", true),
          .from = config.at("from"),
          .pooling = pooling_from(config.at("pooling")),
          .mask = config.at("mask"),
          .unit_length = config.value("unit_length", false),
          .width = config.at("width")};
}

void OptionCheck::require(bool holds, const std::string& expectation, const std::string& remedy) {
  if (!holds) problems_.push_back({"graft-C012", "[" + head_ + "] " + expectation, remedy, ""});
}

void OptionCheck::layers(const LayerOptions& layers) {
  require(layers.dropout >= 0 && layers.dropout < 1, "dropout in [0, 1) is wanted, got " + std::to_string(layers.dropout) + ".",
          "0 switches it off.");
  require(layers.hidden >= 0 && layers.width >= 0, "no negative widths are wanted.",
          "0 stands for no hidden layer, or for a width that the backbone tells.");
  require(layers.own_layer || (layers.hidden == 0 && layers.dropout == 0 && !layers.unit_length),
          "a layer of its own is wanted for a hidden width, dropout or unit_length.", "Leave own_layer at true, or these as they are.");
}

void OptionCheck::focal_gamma(double gamma) {
  require(gamma >= 0 && std::isfinite(gamma), "a finite focal_gamma of at least 0 is wanted, got " + std::to_string(gamma) + ".",
          "2 is usual; 0 leaves plain cross-entropy.");
}

void OptionCheck::names(const std::vector<std::string>& names, std::size_t least, const std::string& expectation,
                        const std::string& remedy) {
  const std::set<std::string> distinct(names.begin(), names.end());
  require(distinct.size() >= least && distinct.size() == names.size(),
          expectation + " wanted, got " + std::to_string(names.size()) + ": " + quoted_list(names) + ".", remedy);
}

void OptionCheck::one_each(const std::vector<double>& values, const std::vector<std::string>& names, const std::string& what,
                           const std::string& of) {
  require(values.empty() || values.size() == names.size(),
          "one " + what + " for each of the " + std::to_string(names.size()) + " " + of + " is wanted, got " +
              std::to_string(values.size()) + ".",
          "Give as many as " + of + ", in their order, or none.");
}

void OptionCheck::done() const {
  if (!problems_.empty()) throw ConfigError(problems_);
}

}  // namespace graft::head
