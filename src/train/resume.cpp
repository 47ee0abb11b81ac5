#include <ATen/ATen.h>

#include <algorithm>
#include <typeinfo>

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

CheckpointError unusable(const std::string& folder, const std::string& why) {
  return CheckpointError({.code = "graft-K024",
                          .message = "[Trainer] the newest checkpoint cannot be gone on from: " + why + ".",
                          .remedy = "Remove it to go on from the one before it, or start the run anew.",
                          .place = folder});
}

}  // namespace

Json Run::stand() {
  Json callbacks = Json::array();
  for (const auto& callback : audience_.callbacks()) callbacks.push_back(Json::array({typeid(*callback).name(), callback->state()}));
  RunState run = state_;
  run.seconds += epoch_watch_.seconds();
  Json stand{{"run", run.json()}, {"schedule", schedule_.state()}, {"callbacks", callbacks}};
  if (stepper_->scaler()) stand["scaler"] = stepper_->scaler()->state();
  return stand;
}

void Run::save_checkpoint(const Json& stand) {
  if (!keeper_.is_on() || state_.step == 0) return;
  Checkpoint checkpoint;
  for (const auto& [name, tensor] : model_.moving()) checkpoint.tensors.set("weights/" + name, tensor.detach());
  put(checkpoint.tensors, "optimizer", stepper_->optimizer().state());
  put(checkpoint.tensors, "average", averages_.state());
  for (std::size_t i = 0; i < stepper_->regularizers().size(); ++i)
    put(checkpoint.tensors, regularizer_name(i), stepper_->regularizers()[i]->state());
  checkpoint.tensors.set("random", at::globalContext().defaultGenerator(model_.device()).get_state());
  checkpoint.manifest = identity_;
  for (const auto& fact : circumstances(model_)) checkpoint.manifest.push_back(fact);
  checkpoint.state = stand.dump(-1, ' ', false, Json::error_handler_t::replace);
  const std::string path = keeper_.save(state_.step, checkpoint);
  audience_.tell([&](Callback& callback) { callback.on_checkpoint({path, state_.step, stand["run"]["epoch"]}); });
}

void Run::resume(const Keeper::Found& found) {
  const Checkpoint& checkpoint = found.checkpoint;
  require_same_run(checkpoint.manifest, identity_, circumstances(model_), options_.checkpoints.folder);
  restore(model_, take(checkpoint.tensors, "weights"));
  stepper_->optimizer().restore(take(checkpoint.tensors, "optimizer"));
  averages_.restore(take(checkpoint.tensors, "average"));
  for (std::size_t i = 0; i < stepper_->regularizers().size(); ++i)
    stepper_->regularizers()[i]->restore(take(checkpoint.tensors, regularizer_name(i)));
  best_.take(found.best);
  report_.resumed_at = state_.step;
  try {
    const Json stand = Json::parse(checkpoint.state);
    schedule_.restore(stand.at("schedule"));
    if (stepper_->scaler()) stepper_->scaler()->restore(stand.at("scaler"));
    Json callbacks = stand.at("callbacks");
    for (const auto& callback : audience_.callbacks()) {  // the first of its type that none has taken: a log more or less does no harm
      const auto own = std::ranges::find_if(callbacks, [&](const Json& each) { return each.at(0) == typeid(*callback).name(); });
      if (own == callbacks.end()) continue;
      callback->restore(own->at(1));
      callbacks.erase(own);
    }
  } catch (const Json::exception& error) {
    throw unusable(options_.checkpoints.folder, error.what());
  }
}

void Run::restore_random(const Checkpoint& checkpoint) {
  at::Generator generator = at::globalContext().defaultGenerator(model_.device());
  const at::Tensor now = generator.get_state();
  const at::Tensor* saved = checkpoint.tensors.find("random");
  if (saved == nullptr) throw unusable(options_.checkpoints.folder, "no state of the random numbers");
  // Another kind of device has another kind of state; require_same_run() has told it.
  if (saved->scalar_type() != now.scalar_type() || saved->sizes() != now.sizes())
    return generator.set_current_seed(options_.seed + static_cast<std::uint64_t>(state_.step));
  try {
    generator.set_state(saved->clone());
  } catch (const c10::Error& error) {
    throw unusable(options_.checkpoints.folder, error.what_without_backtrace());
  }
}

}  // namespace graft::train
