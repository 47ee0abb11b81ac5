#include "train/parameter_groups.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/names.h"
#include "graft/core/error.h"
#include "graph/lookup_tables.h"
#include "graph/network.h"

namespace graft::train {
namespace {

/// Sorts parameters into groups of equal rates, in the order of their coming.
class Groups {
 public:
  Groups(const Model& model, const TrainerOptions& options) : options_(options), matched_(options.rates.size(), false) {
    for (const std::string& name : graph::lookup_tables(model.backbone().network())) tables_.insert("backbone." + name);
    for (const auto& [name, tensor] : model.trainable()) live_[name] = tensor;
  }

  void add(const std::string& layers, const std::string& name, const at::Tensor& like, double lr) {
    const bool decays = options_.decay_all || (like.dim() > 1 && !tables_.contains(name));
    double weight_decay = decays ? options_.weight_decay : 0.0;
    for (std::size_t i = 0; i < options_.rates.size(); ++i) {
      const RateRule& rule = options_.rates[i];
      if (!glob_match(rule.pattern, name)) continue;
      matched_[i] = true;
      lr *= rule.lr_scale;
      weight_decay = rule.weight_decay.value_or(weight_decay);
      break;
    }
    const auto same = [&](const ParameterGroup& group) {
      return group.name.starts_with(layers) && group.lr == lr && group.weight_decay == weight_decay && type_.at(group.name) == like.scalar_type();
    };
    auto found = std::ranges::find_if(groups_, same);
    if (found == groups_.end()) {
      std::string group = layers + (weight_decay == 0 ? ", no decay" : "");
      while (type_.contains(group)) group += "'";
      type_[group] = like.scalar_type();
      groups_.push_back({.parameters = {}, .lr = lr, .weight_decay = weight_decay, .name = group});
      found = groups_.end() - 1;
    }
    const auto live = live_.find(name);
    found->parameters.push_back(live == live_.end() ? at::Tensor() : live->second);
    found->names.push_back(name);
  }

  std::vector<ParameterGroup> done() && {
    std::vector<std::string> unmatched;
    for (std::size_t i = 0; i < matched_.size(); ++i) {
      if (!matched_[i]) unmatched.push_back(options_.rates[i].pattern);
    }
    if (!unmatched.empty()) {
      std::vector<std::string> names;
      for (const ParameterGroup& group : groups_) names.insert(names.end(), group.names.begin(), group.names.end());
      throw ConfigError({.code = "graft-C034",
                         .message = "[Trainer] no parameter that trains matches the rates for " + quoted_list(unmatched) + ".",
                         .remedy = did_you_mean(unmatched.front(), names, "Names start with \"backbone.\" or \"head.\"; `*` passes dots."),
                         .place = ""});
    }
    return std::move(groups_);
  }

 private:
  const TrainerOptions& options_;
  std::set<std::string> tables_;
  std::map<std::string, at::Tensor> live_;
  std::vector<bool> matched_;
  std::vector<ParameterGroup> groups_;
  std::map<std::string, at::ScalarType> type_;
};

}  // namespace

std::set<std::string> ever_trained(const Model& model, const std::vector<Unfreeze>& unfreeze) {
  std::set<std::string> trained = model.policy().trainable(model.backbone());
  for (std::size_t i = 0; i < unfreeze.size(); ++i) {
    const std::set<std::string> next = unfreeze[i].freeze.trainable(model.backbone());
    const bool first = i == 0;  // the first takes the place of the model's own policy
    if (!first && !std::ranges::includes(next, trained)) {
      throw ConfigError({.code = "graft-C035",
                         .message = "[Trainer] the policy \"" + unfreeze[i].freeze.text() + "\" of epoch " +
                                    std::to_string(unfreeze[i].epoch) + " freezes what trained before it.",
                         .remedy = "Let each policy train at least what the one before it does.",
                         .place = ""});
    }
    trained = next;
  }
  return trained;
}

std::vector<ParameterGroup> parameter_groups(const Model& model, const TrainerOptions& options) {
  const std::set<std::string> trained = ever_trained(model, options.unfreeze);
  Groups groups(model, options);
  for (const auto& [name, tensor] : model.head().parameters()) groups.add("head", "head." + name, tensor, options.lr);

  // A tied tensor goes by the first of its names, and trains if one of them does.
  std::map<std::string, std::pair<std::string, at::Tensor>> known;
  std::map<const void*, std::string> first_name;
  std::set<std::string> trains;
  for (const auto& [name, tensor] : model.backbone().network().parameters()) {
    const std::string& first = first_name.try_emplace(tensor.unsafeGetTensorImpl(), name).first->second;
    known[name] = {first, tensor};
    if (trained.contains(name)) trains.insert(first);
  }
  std::set<std::string> added;
  const std::vector<LayerGroup>& layers = model.backbone().groups();
  for (std::size_t i = layers.size(); i-- > 0;) {
    const double lr = options.lr * options.backbone_lr_ratio * std::pow(options.layer_decay.value_or(1.0), static_cast<double>(layers.size() - 1 - i));
    for (const std::string& name : layers[i].names) {
      const auto& [first, tensor] = known.at(name);
      if (trains.contains(first) && added.insert(first).second) groups.add("backbone." + layers[i].name, "backbone." + first, tensor, lr);
    }
  }
  return std::move(groups).done();
}

}  // namespace graft::train
