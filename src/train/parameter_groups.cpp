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
    const Key key{layers, lr, weight_decay, like.scalar_type()};
    const auto found = std::ranges::find(keys_, key);
    const auto place = static_cast<std::size_t>(found - keys_.begin());
    if (found == keys_.end()) {
      std::string group = layers + (weight_decay == 0 ? ", no decay" : "");
      while (std::ranges::find(groups_, group, &ParameterGroup::name) != groups_.end()) group += "'";
      keys_.push_back(key);
      groups_.push_back({.parameters = {}, .lr = lr, .weight_decay = weight_decay, .name = group});
    }
    const auto live = live_.find(name);
    groups_[place].parameters.push_back(live == live_.end() ? at::Tensor() : live->second);
    groups_[place].names.push_back(name);
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
  struct Key {
    std::string layers;
    double lr, weight_decay;
    at::ScalarType type;
    bool operator==(const Key&) const = default;
  };

  const TrainerOptions& options_;
  std::set<std::string> tables_;
  std::map<std::string, at::Tensor> live_;
  std::vector<bool> matched_;
  std::vector<ParameterGroup> groups_;
  std::vector<Key> keys_;  // of the groups
};

}  // namespace

std::set<std::string> ever_trained(const Model& model, const std::vector<Unfreeze>& unfreeze) {
  std::set<std::string> trained = model.policy().trainable(model.backbone());
  const bool holds_one = std::ranges::any_of(unfreeze, [&](const Unfreeze& each) { return each.freeze == model.policy(); });
  for (std::size_t i = 0; i < unfreeze.size(); ++i) {
    const std::set<std::string> next = unfreeze[i].freeze.trainable(model.backbone());
    // One that holds from epoch 1 on takes the place of the model's own policy, and so does one that holds already, after a resume.
    const bool replaces = i == 0 && (unfreeze[i].epoch <= 1 || holds_one);
    if (!replaces && !std::ranges::includes(next, trained)) {
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
    const double lr = options.lr * options.backbone_lr_ratio.value_or(usual_backbone_lr_ratio) *
                      std::pow(options.layer_decay.value_or(1.0), static_cast<double>(layers.size() - 1 - i));
    for (const std::string& name : layers[i].names) {
      const auto& [first, tensor] = known.at(name);
      if (trains.contains(first) && added.insert(first).second) groups.add("backbone." + layers[i].name, "backbone." + first, tensor, lr);
    }
  }
  return std::move(groups).done();
}

}  // namespace graft::train
