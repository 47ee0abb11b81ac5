#include "graft/optim/ema.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <unordered_map>

#include "core/names.h"
#include "graft/core/error.h"

namespace graft {
namespace {

const std::string kUpdates = "updates";

/// What of `state` does not fit; empty if all does.
std::string mismatch(const Fields& state, const std::vector<std::string>& names, const std::vector<at::Tensor>& averages) {
  std::vector<std::string> missing, surplus;
  std::string shapes;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const at::Tensor* found = state.find(names[i]);
    if (found == nullptr) {
      missing.push_back(names[i]);
    } else if (found->sizes() != averages[i].sizes()) {
      shapes += "; \"" + names[i] + "\" is " + shape_text(found->sizes()) + ", not " + shape_text(averages[i].sizes());
    }
  }
  const at::Tensor* updates = state.find(kUpdates);
  if (updates == nullptr || updates->numel() != 1) missing.push_back(kUpdates);
  for (const std::string& name : state.names()) {
    if (name != kUpdates && std::ranges::find(names, name) == names.end()) surplus.push_back(name);
  }
  std::string text;
  if (!missing.empty()) text += "; missing: " + quoted_list(missing);
  if (!surplus.empty()) text += "; surplus: " + quoted_list(surplus);
  return text + shapes;
}

}  // namespace

Ema::Ema(double decay) : decay_(decay) {
  if (decay > 0 && decay < 1) return;
  throw ConfigError({.code = "graft-C032",
                     .message = "[Ema] a decay in (0, 1) is wanted, got " + std::to_string(decay) + ".",
                     .remedy = "0.999 averages over about the last thousand steps.",
                     .place = ""});
}

void Ema::follow(std::vector<std::pair<std::string, at::Tensor>> live) {
  TORCH_INTERNAL_ASSERT(!swapped_, "the averages are in the place of the values");
  const c10::NoGradGuard no_grad;
  std::unordered_map<std::string, at::Tensor> known;
  for (std::size_t i = 0; i < names_.size(); ++i) known.emplace(names_[i], averages_[i]);
  const auto integers = std::ranges::stable_partition(live, [](const auto& entry) { return entry.second.is_floating_point(); });
  num_floating_ = live.size() - integers.size();
  names_.clear(), live_.clear(), averages_.clear();
  for (auto& [name, tensor] : live) {
    const auto average = known.find(name);
    const bool keeps = average != known.end() && average->second.sizes() == tensor.sizes();
    averages_.push_back(keeps ? average->second.to(tensor.device(), tensor.scalar_type()) : tensor.detach().clone());
    live_.push_back(tensor);
    names_.push_back(std::move(name));
  }
}

void Ema::update() {
  TORCH_INTERNAL_ASSERT(!swapped_, "the averages are in the place of the values");
  const c10::NoGradGuard no_grad;
  const auto steps = static_cast<double>(updates_++);
  const double decay = std::min(decay_, (1 + steps) / (10 + steps));
  const at::TensorList averages = averages_, live = live_;
  const std::size_t rest = live.size() - num_floating_;
  if (num_floating_ > 0) at::_foreach_lerp_(averages.slice(0, num_floating_), live.slice(0, num_floating_), 1 - decay);
  if (rest > 0) at::_foreach_copy_(averages.slice(num_floating_, rest), live.slice(num_floating_, rest));
}

void Ema::swap() {
  const c10::NoGradGuard no_grad;
  // One after the other: one tensor's memory is enough. Back in reverse, so that tensors that share memory come out right too.
  for (std::size_t i = 0; i < live_.size(); ++i) {
    const std::size_t at = swapped_ ? live_.size() - 1 - i : i;
    const at::Tensor value = live_[at].clone();
    live_[at].copy_(averages_[at]);
    averages_[at].copy_(value);
  }
  swapped_ = !swapped_;
}

Fields Ema::state() const {
  Fields state;
  const std::vector<at::Tensor>& averages = swapped_ ? live_ : averages_;
  for (std::size_t i = 0; i < names_.size(); ++i) state.set(names_[i], averages[i].detach());
  state.set(kUpdates, at::scalar_tensor(updates_, at::kLong));
  return state;
}

void Ema::restore(const Fields& state) {
  TORCH_INTERNAL_ASSERT(!swapped_, "the averages are in the place of the values");
  const std::string wrong = mismatch(state, names_, averages_);
  if (!wrong.empty()) {
    throw CheckpointError(
        {.code = "graft-K022",
         .message = "[Ema] an average for each of the " + std::to_string(names_.size()) + " tensors is wanted" + wrong + ".",
         .remedy = "Continue with the model and the settings of the run that wrote it.",
         .place = ""});
  }
  const c10::NoGradGuard no_grad;
  for (std::size_t i = 0; i < names_.size(); ++i) averages_[i].copy_(state[names_[i]]);
  updates_ = state[kUpdates].item<std::int64_t>();
}

}  // namespace graft
