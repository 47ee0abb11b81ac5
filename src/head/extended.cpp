#include "head/extended.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>

#include "head/labels.h"

namespace graft::head {
namespace {

/// Parameters with a row for each label.
constexpr std::array<const char*, 4> by_label{"weight", "bias", "classes_weight", "classes_bias"};

}  // namespace

Labels joined_labels(Labels labels, const Labels& more) {
  for (const std::string& label : more) {
    if (std::ranges::find(labels, label) == labels.end()) labels.push_back(label);
  }
  return labels;
}

Json config_for(Json config, const Labels& labels) {
  const LabelIndex old = index_of(config.at("labels").get<Labels>());
  for (const char* weights : {"class_weights", "positive_weights"}) {
    if (!config.contains(weights) || config[weights].empty()) continue;
    Json all = Json::array();
    for (const std::string& label : labels) {
      const auto place = old.find(label);
      all.push_back(place == old.end() ? Json(1.0) : config[weights].at(static_cast<std::size_t>(place->second)));
    }
    config[weights] = std::move(all);
  }
  config["labels"] = labels;
  return config;
}

void copy_learned(const Head& from, const Labels& its, const Head& to, const Labels& own) {
  const LabelIndex old = index_of(its);
  const c10::NoGradGuard no_grad;
  for (const auto& [name, learned] : from.parameters()) {
    const at::Tensor mine = to.parameters()[name];
    if (std::ranges::find(by_label, name) == by_label.end()) {
      mine.copy_(learned);
      continue;
    }
    for (std::size_t row = 0; row < own.size(); ++row) {
      const auto place = old.find(own[row]);
      if (place != old.end()) mine[static_cast<std::int64_t>(row)].copy_(learned[place->second]);
    }
  }
}

}  // namespace graft::head
