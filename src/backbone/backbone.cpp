#include "graft/backbone/backbone.h"

#include <c10/core/GradMode.h>

#include "backbone/binding.h"
#include "backbone/groups.h"
#include "graph/network.h"

namespace graft {

struct Backbone::State {
  graph::Network network;
  BackboneOptions options;
  std::map<std::string, std::string> files;
  std::vector<Argument> arguments;
  std::vector<LayerGroup> groups;
  std::int64_t trainable_as_saved = 0;
};

Backbone::Backbone(const graph::Network& network, const BackboneOptions& options, std::map<std::string, std::string> files) {
  // An immutable handle must not share mode, flags or gradients with the module it was made from; storage it may.
  State state{network.instance([](const std::string&) { return false; }), options, std::move(files), {}, backbone::layer_groups(network)};
  state.network.eval();
  for (const auto& argument : network.arguments()) state.arguments.push_back({argument.name, argument.type, argument.has_default()});
  for (const auto& [name, tensor] : network.parameters()) state.trainable_as_saved += tensor.requires_grad() ? tensor.numel() : 0;
  state_ = std::make_shared<const State>(std::move(state));
}

Backbone Backbone::load(const std::string& path, const BackboneOptions& options) {
  graph::Files files{{"tokenizer.json", ""}, {"graft.json", ""}};
  const graph::Network network = graph::Network::load(path, &files, options.trust ? graph::Trust::Code : graph::Trust::Checked);
  return Backbone(network, options, std::move(files));
}

Fields Backbone::operator()(const Fields& inputs) const {
  const c10::NoGradGuard no_grad;
  const backbone::Binding binding(state_->network, state_->options, inputs.names());
  return state_->network(binding.arguments(inputs));
}

const std::vector<Backbone::Argument>& Backbone::arguments() const { return state_->arguments; }
const std::vector<LayerGroup>& Backbone::groups() const { return state_->groups; }
std::vector<std::string> Backbone::method_names() const { return state_->network.method_names(); }
const std::map<std::string, std::string>& Backbone::files() const { return state_->files; }
const graph::Network& Backbone::network() const { return state_->network; }
const BackboneOptions& Backbone::options() const { return state_->options; }

std::int64_t Backbone::num_parameters() const {
  std::int64_t count = 0;
  for (const LayerGroup& group : state_->groups) count += group.parameters;
  return count;
}

std::int64_t Backbone::num_trainable_as_saved() const { return state_->trainable_as_saved; }

}  // namespace graft
