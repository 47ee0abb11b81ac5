#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "graft/core/error.h"
#include "model/state.h"

namespace graft {

std::string Model::bad_layer(const Fields& inputs) const {
  const c10::NoGradGuard no_grad;
  std::vector<std::string> names;
  for (const Backbone::Tap& tap : state_->backbone.taps()) {
    if (tap.is_module) names.push_back(tap.name);
  }
  try {
    const Backbone opened = state_->backbone.features(names);
    graph::Network network = opened.network().with_tensors(state_->network.parameters());
    network.to(state_->device);
    const Fields outputs = network(state_->binding.arguments(to(inputs, state_->device)));
    for (const auto& [name, tensor] : outputs) {
      if (tensor.is_floating_point() && !tensor.isfinite().all().item<bool>()) return name;
    }
  } catch (const std::exception&) {  // a network that hides its layers, or inputs that are cut
  }
  return "";
}

}  // namespace graft
