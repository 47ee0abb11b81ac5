#include "model/state.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "graft/core/device.h"
#include "graft/core/error.h"
#include "graft/core/log.h"
#include "graft/data/collate.h"
#include "graft/data/loader.h"
#include "graph/training_form.h"
#include "head/builtin.h"
#include "model/vocabulary_check.h"

namespace graft {
namespace {

Batch example_batch(const Preprocess& preprocess) {
  Rng rng(0);
  const std::vector<Sample> samples = preprocess(preprocess.example(), rng, Mode::Eval);
  return collate(std::vector<Sample>(2, samples.at(0)), preprocess.padding());
}

std::vector<std::string> possible_fields(const Batch& example, const Preprocess& preprocess) {
  std::vector<std::string> names = example.inputs.names();
  if (!preprocess.padding().values.empty()) names.push_back(preprocess.padding().mask);
  return names;
}

}  // namespace

Model::State::State(Backbone frozen, std::unique_ptr<Head> the_head, std::shared_ptr<const Preprocess> the_preprocess,
                    const ModelOptions& options)
    : whole(std::move(frozen)),
      backbone(whole),
      preprocess(std::move(the_preprocess)),
      policy(options.freeze),
      repair(options.repair),
      prefix_form(options.prefix),
      device(choose_device(options.device).device),
      example(example_batch(*preprocess)),
      binding(backbone.network(), backbone.options(), possible_fields(example, *preprocess)),
      network(backbone.network()) {
  if (const std::string bound = binding.description(); !bound.empty())
    log(LogLevel::Info, "fields bind to arguments of other names: " + bound);
  require_rows(whole, *preprocess);
  reach(*the_head);
  apply_policy();
  attach(std::move(the_head));
}

bool Model::State::reach(const Head& candidate) {
  std::vector<std::string> wanted;
  for (const Feature& feature : candidate.reads()) {
    if (!feature.input && std::ranges::find(wanted, feature.from) == wanted.end()) wanted.push_back(feature.from);
  }
  // What the network itself gives under this name needs no cut: all of it, an element, an entry.
  const auto is_element = [](const std::string& name) {
    return name == "output" || (name.starts_with("output.") && name.find('.', 7) == std::string::npos);
  };
  bool inside = false;
  if (!std::ranges::all_of(wanted, is_element)) {
    const Fields given = whole(example.inputs);
    inside = !std::ranges::all_of(
        wanted, [&](const std::string& name) { return is_element(name) || (given.has(name) && name.find('.') == std::string::npos); });
  }
  if (!inside) wanted.clear();
  if (wanted == taps) return false;
  taps = std::move(wanted);
  return true;
}

void Model::State::take_form() {
  std::string wrong;
  for (const Finding& finding : whole.findings()) {
    // Where nothing trains only flags that are on do harm: they move what is frozen. Cutting joins all modules' code, so it comes after.
    const bool matters = policy != Freeze::all() || !taps.empty() || finding.code == "graft-F002";
    if (repair && finding.kind == FindingKind::Repairable && matters) wrong += " " + finding.message;
  }
  const Form wanted{formed.mended || !wrong.empty(), taps};
  if (wanted == formed) return;
  if (wanted.mended && !formed.mended) log(LogLevel::Warning, "[Model] the backbone is repaired." + wrong);
  formed = wanted;
  graph::NamedTensors trained;
  for (const auto& [name, tensor] : network.parameters()) {
    if (trains.contains(name)) trained.emplace_back(name, tensor);
  }
  const Backbone sound = formed.mended ? whole.repair() : whole;
  backbone = formed.taps.empty() ? sound : sound.features(formed.taps);
  network = backbone.network().with_tensors(trained);
}

void Model::State::attach(std::unique_ptr<Head> candidate) {
  const c10::NoGradGuard no_grad;
  const Fields inputs = to(example.inputs, device);
  const Fields outputs = network(binding.arguments(inputs));
  Fields known = outputs;
  for (const auto& [name, tensor] : inputs) {
    if (!known.has(name)) known.set(name, tensor);
  }
  candidate->build(known);
  for (const auto& fields : {candidate->parameters(), candidate->buffers()}) {
    for (auto [name, tensor] : fields) tensor.set_data(tensor.to(device));
  }
  const Fields features = head::features_of(candidate->reads(), outputs, inputs);
  try {
    candidate->forward(features);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    std::string given;
    for (const auto& [name, tensor] : features) given += (given.empty() ? "\"" : ", \"") + name + "\" " + shape_text(tensor.sizes());
    throw ModelError({.code = "graft-M013",
                      .message = "[Model] the head does not fit the backbone, which gives it " + given + ": " + graph::reason(error),
                      .remedy = "Give the head the width of the last dimension.",
                      .place = ""},
                     error.what());
  }
  head = std::move(candidate);
  ragged = !preprocess->padding().values.empty() && std::ranges::any_of(head->reads(), [&](const Feature& feature) {
    return feature.input || (feature.pooling == Pooling::None && features[feature.name].dim() > 2);
  });
  fingerprint.clear();
  head->set_training(training);
}

void Model::State::apply_policy() {
  take_form();
  trains = policy.trainable(backbone);
  network = network.instance(is_trained());
  network.to(device);
  carried = network.state();
  if (!carried.empty()) initial = network.with_own_state();
  halves = divide();
  make_steps();
  fast.clear();
  fingerprint.clear();
  set_training(false);
}

const graph::Network& Model::State::frozen() const {
  const graph::Network& plain = halves.split ? halves.split->prefix : network;
  if (prefix_form == PrefixForm::Exact) return plain;
  if (precision == Precision::BFloat16 && fast_in(precision).network) return *fast_in(precision).network;
  const graph::FastForm& form = fast_in(Precision::Float32);
  return form.network ? *form.network : plain;
}

const graph::FastForm& Model::State::fast_in(Precision wanted) const {
  if (const auto made = fast.find(wanted); made != fast.end()) return made->second;
  const graph::Network& plain = halves.split ? halves.split->prefix : network;
  const bool half = wanted == Precision::BFloat16;
  graph::FastForm form = graph::fast_form(plain, binding.arguments(to(example.inputs, device)), graph::Kernels::of_processor(half));
  if (!form.network && half) log(LogLevel::Info, "the frozen part is computed in float32, not in bfloat16: " + form.why);
  if (!form.network && !half) log(LogLevel::Info, "the frozen part is computed as it was loaded, without faster kernels: " + form.why);
  return fast.emplace(wanted, std::move(form)).first->second;
}

void Model::State::make_steps() {
  steps.reset();
  segments.reset();
  if (trains.empty() || !carried.empty()) return;
  const graph::Network& live = halves.split ? halves.split->suffix : network;
  if (checkpointing) {
    std::vector<std::vector<std::string>> groups;
    for (const LayerGroup& group : backbone.groups()) groups.push_back(group.names);
    segments.emplace(live, groups);
    if (segments->size() > 1) return;
    log(LogLevel::Warning,
        "[Model] gradient checkpointing finds nowhere to cut this network, or its batch norm forbids it; it is left out.");
    segments.reset();
  }
  steps = graph::training_form(live);
}

Fields Model::State::step(std::vector<c10::IValue> arguments) const {
  return segments ? (*segments)(arguments) : (*steps)(std::move(arguments));
}

graph::SplitResult Model::State::divide() const {
  if (trains.empty()) return {std::nullopt, "nothing of the backbone trains"};
  if (!carried.empty()) return {std::nullopt, "the network keeps a state from call to call"};
  return graph::split(network, is_trained(), binding.constants());
}

void Model::State::set_training(bool on) {
  training = on;
  if (head != nullptr) head->set_training(on);
  if (on && !trains.empty()) {
    network.train(is_trained());
    if (steps) steps->train(is_trained());
    if (segments) segments->train(is_trained());
  } else {
    network.eval();
    if (halves.split) halves.split->suffix.eval();
    if (steps) steps->eval();
    if (segments) segments->eval();
  }
}

}  // namespace graft
