#include <ATen/ATen.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include <algorithm>

#include "core/hash.h"
#include "core/json.h"
#include "graft/model/model.h"
#include "graph/fingerprint.h"
#include "model/state.h"

namespace graft {

Fields Model::kept(const Fields& inputs) const {
  Fields values = backbone_trains() ? cut(inputs) : features(inputs);
  std::vector<std::string> arguments;
  for (const graph::Argument& argument : state_->network.arguments()) arguments.push_back(argument.name);
  std::vector<std::string> taken = state_->binding.fields(arguments);
  taken.push_back(state_->preprocess->padding().mask);
  for (const auto& [name, tensor] : inputs) {
    if (std::ranges::find(taken, name) == taken.end() && !values.has(name)) values.set(name, tensor);
  }
  return values;
}

std::string Model::fingerprint() const {
  if (!state_->fingerprint.empty()) return state_->fingerprint;
  Hash hash;
  hash.add(graph::fingerprint(state_->halves.split ? state_->halves.split->prefix : state_->network));
  // The same weights give other bits by other kernels.
  hash.add(TORCH_VERSION).add(at::get_cpu_capability()).add(c10::DeviceTypeName(state_->device.type()));
  hash.add(state_->prefix_form == PrefixForm::Exact ? "exact" : "fast").add(precision_name(state_->precision));
  for (const auto& [name, value] : state_->backbone.options().constants) {
    std::visit([&](const auto& constant) { hash.add(name + "=" + Json(constant).dump()); }, value);
  }
  hash.add(state_->preprocess->config().dump());
  for (const auto& [name, content] : state_->preprocess->files()) hash.add(name).add(content);
  for (const Feature& feature : state_->head->reads()) {
    hash.add(feature.from).add(feature.mask);
    // Above the line pooling belongs to what trains.
    if (!backbone_trains()) hash.add(feature.name).add(pooling_name(feature.pooling));
  }
  return state_->fingerprint = hash.hex();
}

}  // namespace graft
