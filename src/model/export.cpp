#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <functional>

#include "core/file_format.h"
#include "graft/core/error.h"
#include "graft/model/model.h"
#include "graph/composite.h"
#include "graph/trace.h"
#include "head/builtin.h"
#include "model/eval_mode.h"
#include "model/state.h"
#include "predict/saved_file.h"

namespace graft {
namespace {

/// What the traced head reads: the backbone's outputs, masks and other inputs, before pooling.
Fields traced_inputs(const std::vector<Feature>& reads, const Fields& outputs, const Fields& inputs) {
  Fields read;
  for (const Feature& feature : reads) {
    if (feature.input) {
      read.set(feature.from, inputs[feature.from]);
      continue;
    }
    const at::Tensor& output = head::output_of(outputs, feature.from);
    read.set(feature.from, output);
    if (feature.mask.empty()) continue;
    const at::Tensor* mask = inputs.find(feature.mask);
    read.set(feature.mask, mask != nullptr ? *mask : at::ones({output.size(0), output.size(1)}, output.options().dtype(at::kLong)));
  }
  return read;
}

/// The values of a tensor again and again, in other sizes.
at::Tensor repeated(at::Tensor values, const std::vector<std::int64_t>& sizes) {
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto dimension = static_cast<std::int64_t>(i);
    const at::Tensor index = at::arange(sizes[i], values.options().dtype(at::kLong)).remainder(values.size(dimension));
    values = values.index_select(dimension, index);
  }
  return values;
}

/// Inputs of another batch size, and of another length or picture size where the pooling takes any, or maps of twice the size where the
/// head reads places.
Fields resized(const std::vector<Feature>& reads, const Fields& example, bool larger_maps) {
  Fields other;
  for (const auto& [name, tensor] : example) {
    auto sizes = tensor.sizes().vec();
    sizes[0] += 3;
    for (const Feature& feature : reads) {
      const bool sequence = !feature.mask.empty() || feature.pooling == Pooling::FirstToken || feature.input;
      if (sequence && (name == feature.from || name == feature.mask)) sizes[1] = example[feature.from].size(1) + 2;
      if (feature.pooling == Pooling::MeanPixels && name == feature.from) sizes[2] = example[feature.from].size(2) + 1;
      if (larger_maps && feature.pooling == Pooling::None && name == feature.from && sizes.size() == 4) {
        sizes[2] *= 2;
        sizes[3] *= 2;
      }
    }
    other.set(name, tensor.is_floating_point() ? at::randn(sizes, tensor.options()) : repeated(tensor, sizes));
  }
  return other;
}

/// True if the head reads maps of places, which may be of other sizes.
bool reads_maps(const std::vector<Feature>& reads, const Fields& example) {
  return std::ranges::any_of(reads, [&](const Feature& feature) {
    return feature.pooling == Pooling::None && !feature.input && example[feature.from].dim() == 4;
  });
}

/// resized(), as far as the head takes it: one may be made for maps of one size.
Fields other_sizes(const std::vector<Feature>& reads, const Fields& example, const std::function<Fields(const Fields&)>& forward) {
  if (!reads_maps(reads, example)) return resized(reads, example, /*larger_maps=*/false);
  Fields larger = resized(reads, example, /*larger_maps=*/true);
  try {
    forward(larger);
    return larger;
  } catch (const std::exception&) {
    return resized(reads, example, /*larger_maps=*/false);
  }
}

void require_same(const Head& head, const Fields& expected, const Fields& traced) {
  const std::vector<std::string> choices = head.choices();
  for (const auto& [name, tensor] : expected) {
    const at::Tensor& got = traced[name];
    const bool is_choice = std::ranges::find(choices, name) != choices.end();
    const bool same = tensor.sizes() == got.sizes() && (is_choice || at::allclose(tensor.to(at::kFloat), got.to(at::kFloat), 1e-5, 1e-5));
    if (same) continue;
    throw ModelError({.code = "graft-M014",
                      .message = "[Export] the head's output \"" + name +
                                 "\" differs between its C++ code and its recorded form on inputs of another size.",
                      .remedy = "In forward(), take sizes from -1 and from operators instead of numbers, and do not branch on values.",
                      .place = ""});
  }
}

graph::Traced trace_head(const Head& head, const Fields& outputs, const Fields& inputs) {
  const std::vector<Feature> reads = head.reads();
  const auto forward = [&](const Fields& read) { return head.forward(head::features_of(reads, read, read)); };
  const Fields example = traced_inputs(reads, outputs, inputs);
  const Fields other = other_sizes(reads, example, forward);
  const graph::Traced traced = graph::trace("Head", head.parameters(), head.buffers(), example, forward);
  try {
    require_same(head, forward(other), graph::run(traced, other));
  } catch (const Error& error) {
    if (error.code() == "graft-M014") throw;
    throw ModelError({.code = "graft-M014",
                      .message = "[Export] the recorded form of the head fails on inputs of another size: " + error.message(),
                      .remedy = "In forward(), take sizes from -1 and from operators instead of numbers, and do not branch on values.",
                      .place = ""},
                     error.details());
  }
  return traced;
}

/// The TorchScript expression for a backbone's output by the name that Network gives it. Taps come as a dictionary by name.
std::string output_expression(const std::string& name, const Fields& outputs, bool taps) {
  const std::string& actual = outputs.has(name) ? name : outputs.begin()->first;
  constexpr std::string_view element = "output.";
  if (!taps && actual == "output") return "outputs";
  if (!taps && actual.starts_with(element)) return "outputs[" + actual.substr(element.size()) + "]";
  return "outputs[" + Json(actual).dump() + "]";
}

/// What the manifest describes, with the head as it starts.
Model assemble(const predict::SavedFile& saved, const LoadOptions& options, const std::string& path) {
  const Json& config = saved.manifest.at("head");
  std::unique_ptr<Head> head = options.head ? options.head(config) : head::make_builtin(config);
  if (head == nullptr) {
    throw ConfigError({.code = "graft-C014",
                       .message = "[Model] the head \"" + config.value("type", std::string("?")) + "\" is not one of graft's own.",
                       .remedy = "Give Model::load a function that builds it from its config; graft::Predictor answers without.",
                       .place = path});
  }
  BackboneOptions backbone;
  for (const auto& [name, value] : saved.manifest.at("constants").items()) {
    if (value.is_boolean()) backbone.constants[name] = value.get<bool>();
    if (value.is_number_integer()) backbone.constants[name] = value.get<std::int64_t>();
    if (value.is_number_float()) backbone.constants[name] = value.get<double>();
    if (value.is_string()) backbone.constants[name] = value.get<std::string>();
  }
  return Model(Backbone(saved.network.child("backbone"), backbone, saved.files), std::move(head),
               predict::make_preprocess(saved.manifest.at("preprocess"), saved.files, options.preprocess),
               {.freeze = Freeze::parse(saved.manifest.at("freeze")), .device = options.device, .prefix = options.prefix});
}

}  // namespace

void Model::save(const std::string& path) {
  const c10::NoGradGuard no_grad;
  State& state = *state_;
  const EvalMode eval(*this);  // a file is saved in eval mode, so that Python answers without a call of eval()

  const Fields inputs = to(state.example.inputs, state.device);
  const Fields outputs = state.network(state.binding.arguments(inputs));
  const graph::Traced head = trace_head(*state.head, outputs, inputs);

  const std::string mask = state.preprocess->padding().mask;
  graph::CompositeSpec spec = state.binding.composite(mask);
  for (const std::string& name : head.inputs) {
    if (outputs.has(name) || name == "output") {
      spec.head_arguments.push_back(output_expression(name, outputs, !state.formed.taps.empty()));
      continue;
    }
    const auto known = std::ranges::find(spec.inputs, name, &graph::CompositeSpec::Input::name);
    const bool always_given = known != spec.inputs.end() && !known->optional;
    if (known == spec.inputs.end()) spec.inputs.push_back({name, true});
    // A mask that is absent says that all is real; other inputs are 0 then.
    const bool is_mask = std::ranges::any_of(state.head->reads(), [&](const Feature& feature) { return feature.mask == name; });
    spec.head_arguments.push_back(always_given ? graph::identifier(name)
                                               : graph::or_filled(name, is_mask ? "ones" : "zeros", spec.inputs.front().name));
  }

  Json input_names = Json::array(), constants = Json::object();
  for (const auto& input : spec.inputs) input_names.push_back(input.name);
  for (const auto& [name, value] : state.backbone.options().constants)
    std::visit([&, &key = name](const auto& v) { constants[key] = v; }, value);
  graph::Files files;
  for (const char* name : backbone_files) {
    if (const auto own = state.whole.files().find(name); own != state.whole.files().end()) files.insert(*own);
  }
  for (auto& [name, content] : state.preprocess->files()) files[name] = content;
  predict::write_saved(path, {graph::compose(state.network, head.network, spec),
                              {{"inputs", input_names},
                               {"outputs", head.outputs},
                               {"head", state.head->config()},
                               {"preprocess", state.preprocess->config()},
                               {"constants", constants},
                               {"freeze", state.policy.text()}},
                              files});
}

Model Model::load(const std::string& path, const LoadOptions& options) {
  const predict::SavedFile saved = predict::read_saved(path, options.trust ? graph::Trust::Code : graph::Trust::Checked);
  Model model = predict::reading_manifest(path, [&] { return assemble(saved, options, path); });

  const c10::NoGradGuard no_grad;
  const graph::Network stored = saved.network.child("head");
  for (const auto& tensors : {stored.parameters(), stored.buffers()}) {
    for (const auto& [name, value] : tensors) {
      const Fields& own = model.head().parameters().has(name) ? model.head().parameters() : model.head().buffers();
      const at::Tensor* target = own.find(name);
      if (target == nullptr || target->sizes() != value.sizes()) {
        throw CheckpointError({.code = "graft-K013",
                               .message = "[Model] the file's head has \"" + name + "\" " + shape_text(value.sizes()) +
                                          ", the head that was built has " +
                                          (target == nullptr ? std::string("none") : shape_text(target->sizes())) + ".",
                               .remedy = "Build the head as its config in the file says.",
                               .place = path});
      }
      target->copy_(value);
    }
  }
  return model;
}

}  // namespace graft
