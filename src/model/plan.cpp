#include "graft/model/plan.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "core/names.h"
#include "graft/core/error.h"
#include "graft/model/model.h"
#include "head/builtin.h"
#include "model/state.h"

namespace graft {
namespace {

const graph::Split& halves_of(const graph::SplitResult& halves) {
  if (halves.split) return *halves.split;
  throw ModelError({.code = "graft-M025",
                    .message = "[Model] the backbone is not divided at the freeze line: " + halves.why + ".",
                    .remedy = "Ask plan().splits first, and call features() where it is false.",
                    .place = ""});
}

std::int64_t scalars(const graph::Network& network) {
  std::int64_t count = 0;
  for (const auto& [name, tensor] : network.parameters()) count += tensor.numel();
  return count;
}

}  // namespace

std::string Plan::text() const {
  if (!splits) return "the whole network runs in every epoch: " + why;
  std::string text = "computed once: " + with_commas(prefix_parameters) + " parameters; in every epoch: " + with_commas(suffix_parameters) +
                     " parameters; kept of a sample: " + with_commas(bytes_per_sample) + " bytes";
  for (const auto& [name, shape] : cut) text += ", " + name + " " + shape_text(shape);
  return text;
}

Plan Model::plan() const {
  const graph::SplitResult& halves = state_->halves;
  Plan plan{halves.split.has_value(), halves.why, 0, 0, {}, 0};
  if (!plan.splits) return plan;
  plan.prefix_parameters = scalars(halves.split->prefix);
  plan.suffix_parameters = scalars(halves.split->suffix);
  for (const auto& [name, tensor] : cut(state_->example.inputs)) {
    plan.cut.emplace_back(name, tensor.sizes().slice(std::min<std::size_t>(1, tensor.sizes().size())).vec());
    plan.bytes_per_sample += static_cast<std::int64_t>(tensor.nbytes()) / std::max<std::int64_t>(1, state_->example.size());
  }
  return plan;
}

Fields Model::cut(const Fields& inputs) const {
  const c10::NoGradGuard no_grad;
  const graph::Split& split = halves_of(state_->halves);
  const Fields here = to(inputs, state_->device);
  Fields cut = state_->frozen()(state_->binding.arguments(here));
  std::vector<std::string> passed = state_->binding.fields(split.arguments);
  for (const Feature& feature : state_->head->reads()) passed.push_back(feature.mask);
  for (const std::string& name : passed) {
    const at::Tensor* field = here.find(name);
    if (field != nullptr && !cut.has(name)) cut.set(name, *field);
  }
  return cut;
}

Fields Model::features_of_cut(const Fields& cut) const {
  const c10::AutoGradMode gradients(c10::GradMode::is_enabled() && state_->training);
  const graph::Split& split = halves_of(state_->halves);
  const Fields here = to(cut, state_->device);
  std::vector<c10::IValue> arguments = state_->binding.arguments(here, split.arguments);
  for (const std::string& name : split.cut) arguments.emplace_back(here[name]);
  return head::features_of(state_->head->reads(), split.suffix(std::move(arguments)), here);
}

}  // namespace graft
