#include <ATen/ATen.h>

#include "core/json.h"
#include "graft/core/error.h"
#include "train/identity.h"
#include "train/run.h"

namespace graft::train {
namespace {

/// Tensors under a folder-like name.
void put(Fields& into, const std::string& folder, const Fields& tensors) {
  for (const auto& [name, tensor] : tensors) into.set(folder + "/" + name, tensor);
}

Fields take(const Fields& from, const std::string& folder) {
  Fields tensors;
  for (const auto& [name, tensor] : from) {
    if (name.starts_with(folder + "/")) tensors.set(name.substr(folder.size() + 1), tensor);
  }
  return tensors;
}

std::string regularizer_name(std::size_t i) { return "regularizer" + std::to_string(i); }

}  // namespace

void Run::save_checkpoint() {
  Checkpoint checkpoint;
  for (const auto& [name, tensor] : model_.moving()) checkpoint.tensors.set("weights/" + name, tensor.detach());
  put(checkpoint.tensors, "optimizer", stepper_->optimizer().state());
  put(checkpoint.tensors, "average", averages_.state());
  for (std::size_t i = 0; i < stepper_->regularizers().size(); ++i)
    put(checkpoint.tensors, regularizer_name(i), stepper_->regularizers()[i]->state());
  checkpoint.tensors.set("random", at::globalContext().defaultGenerator(model_.device()).get_state());
  checkpoint.manifest = identity(model_, data_, options_, stepper_->optimizer(), epochs_);
  for (const auto& fact : circumstances()) checkpoint.manifest.push_back(fact);

  Json callbacks = Json::array();
  for (const auto& callback : callbacks_) callbacks.push_back(callback->state());
  Json state{{"run", state_.json()}, {"schedule", schedule_.state()}, {"callbacks", callbacks}};
  if (stepper_->scaler()) state["scaler"] = stepper_->scaler()->state();
  checkpoint.state = state.dump();
  const std::string path = keeper_.save(state_.step, checkpoint);
  for (const auto& callback : callbacks_) callback->on_checkpoint({path, state_.step, state_.epoch});
}

void Run::resume(const Checkpoint& checkpoint) {
  require_same_run(checkpoint.manifest, identity(model_, data_, options_, stepper_->optimizer(), epochs_), options_.checkpoints.folder);
  const Json state = Json::parse(checkpoint.state);
  restore(model_, take(checkpoint.tensors, "weights"));
  stepper_->optimizer().restore(take(checkpoint.tensors, "optimizer"));
  averages_.restore(take(checkpoint.tensors, "average"));
  for (std::size_t i = 0; i < stepper_->regularizers().size(); ++i)
    stepper_->regularizers()[i]->restore(take(checkpoint.tensors, regularizer_name(i)));
  at::Generator(at::globalContext().defaultGenerator(model_.device())).set_state(checkpoint.tensors["random"].clone());
  schedule_.restore(state.at("schedule"));
  if (stepper_->scaler()) stepper_->scaler()->restore(state.at("scaler"));
  const Json& callbacks = state.at("callbacks");
  for (std::size_t i = 0; i < std::min(callbacks.size(), callbacks_.size()); ++i) callbacks_[i]->restore(callbacks[i]);
  if (!state_.best_file.empty()) best_ = keeper_.load_best(state_.best_file);
  report_.resumed_at = state_.step;
}

}  // namespace graft::train
