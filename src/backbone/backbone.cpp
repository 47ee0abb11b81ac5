#include "graft/backbone/backbone.h"

#include <c10/core/GradMode.h>

#include <mutex>

#include "backbone/binding.h"
#include "backbone/groups.h"
#include "core/file_format.h"
#include "graph/findings.h"
#include "graph/network.h"
#include "graph/reach.h"

namespace graft {

struct Backbone::State {
  State(graph::Network the_network, const BackboneOptions& the_options, std::map<std::string, std::string> the_files,
        graph::Network as_loaded)
      : network(std::move(the_network)),
        source(std::move(as_loaded)),
        options(the_options),
        files(std::move(the_files)),
        groups(backbone::layer_groups(network)) {}

  graph::Network network;
  /// With the flags of its parameters.
  graph::Network source;
  BackboneOptions options;
  std::map<std::string, std::string> files;
  std::vector<Argument> arguments;
  std::vector<LayerGroup> groups;
  std::int64_t trainable_as_saved = 0;
  mutable std::once_flag looked, asked;
  mutable bool stateful = false;
  mutable std::vector<Finding> findings;
};

Backbone::Backbone(const graph::Network& network, const BackboneOptions& options, std::map<std::string, std::string> files) {
  // An immutable handle must not share mode, flags or gradients with the module it was made from; storage it may.
  auto state = std::make_shared<State>(network.instance([](const std::string&) { return false; }), options, std::move(files), network);
  state->network.eval();
  for (const auto& argument : network.arguments()) state->arguments.push_back({argument.name, argument.type, argument.has_default()});
  for (const auto& [name, tensor] : network.parameters()) state->trainable_as_saved += tensor.requires_grad() ? tensor.numel() : 0;
  state_ = std::move(state);
}

Backbone Backbone::load(const std::string& path, const BackboneOptions& options) {
  graph::Files files{{"tokenizer.json", ""}, {"graft.json", ""}};
  for (const char* name : backbone_files) files.emplace(name, "");
  const graph::Network network = graph::Network::load(path, &files, options.trust ? graph::Trust::Code : graph::Trust::Checked);
  return Backbone(network, options, std::move(files));
}

Fields Backbone::operator()(const Fields& inputs) const {
  const c10::NoGradGuard no_grad;
  const backbone::Binding binding(state_->network, state_->options, inputs.names());
  std::call_once(state_->asked, [&] { state_->stateful = state_->network.is_stateful(); });
  return state_->stateful ? state_->network.with_own_state()(binding.arguments(inputs)) : state_->network(binding.arguments(inputs));
}

const std::vector<Backbone::Argument>& Backbone::arguments() const { return state_->arguments; }
const std::vector<LayerGroup>& Backbone::groups() const { return state_->groups; }
std::vector<std::string> Backbone::method_names() const { return state_->network.method_names(); }
const std::map<std::string, std::string>& Backbone::files() const { return state_->files; }
const graph::Network& Backbone::network() const { return state_->network; }
const graph::Network& Backbone::source() const { return state_->source; }
const BackboneOptions& Backbone::options() const { return state_->options; }

std::int64_t Backbone::num_parameters() const {
  std::int64_t count = 0;
  for (const LayerGroup& group : state_->groups) count += group.parameters;
  return count;
}

std::int64_t Backbone::num_trainable_as_saved() const { return state_->trainable_as_saved; }

const std::vector<Finding>& Backbone::findings() const {
  std::call_once(state_->looked, [&] { state_->findings = graph::findings(state_->source); });
  return state_->findings;
}

std::set<std::string> Backbone::reached_by_gradient() const { return graph::reached_by_gradient(state_->source); }

Backbone Backbone::repair() const { return Backbone(graph::repaired(state_->source), state_->options, state_->files); }

std::vector<Backbone::Tap> Backbone::taps() const {
  std::vector<Tap> found;
  for (const graph::Tap& tap : graph::taps(state_->source)) found.push_back({tap.name, tap.is_module});
  return found;
}

void Backbone::save(const std::string& path) const { state_->source.save(path, state_->files); }

Backbone Backbone::features(const std::vector<std::string>& names) const {
  return Backbone(graph::with_features(state_->source, names), state_->options, state_->files);
}

}  // namespace graft
