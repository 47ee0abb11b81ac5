#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

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
                    .remedy = "Ask is_split() first, and call features() where it is false.",
                    .place = ""});
}

}  // namespace

bool Model::is_split() const { return state_->halves.split.has_value(); }

Fields Model::cut(const Fields& inputs) const {
  const c10::NoGradGuard no_grad;
  const graph::Split& split = halves_of(state_->halves);
  const Fields here = to(inputs, state_->device);
  state_->count_frozen(here);
  Fields cut = state_->frozen()(state_->binding.arguments(here));
  std::vector<std::string> passed = state_->binding.fields(split.arguments);
  for (const Feature& feature : state_->head->reads()) passed.push_back(feature.input ? feature.from : feature.mask);
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
  return head::features_of(state_->head->reads(),
                           state_->training ? state_->step(std::move(arguments)) : split.suffix(std::move(arguments)), here);
}

}  // namespace graft
