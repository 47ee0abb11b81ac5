#include "train/averages.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <unordered_set>

#include "graph/training_form.h"
#include "train/same_random_numbers.h"

namespace graft::train {
namespace {

// With the usual momentum of 0.1 less than a percent of the old statistics is left after so many batches.
constexpr int recalibration_steps = 50;

/// What moves and is no parameter.
std::vector<std::pair<std::string, at::Tensor>> buffers_of(const Model& model) {
  std::unordered_set<std::string> parameters;
  for (const auto& [name, tensor] : model.trainable()) parameters.insert(name);
  std::vector<std::pair<std::string, at::Tensor>> buffers;
  for (const auto& [name, tensor] : model.moving()) {
    if (!parameters.contains(name)) buffers.emplace_back(name, tensor);
  }
  return buffers;
}

}  // namespace

void Averages::follow() {
  if (!ema_) return;
  ema_->follow(model_.trainable());
  has_statistics_ = model_.backbone_trains() && graph::has_batch_statistics(model_.backbone().network());
}

void Averages::put_in(Stream& stream) {
  if (!ema_) return;
  ema_->swap();
  if (!has_statistics_) return;
  const c10::NoGradGuard no_grad;
  statistics_ = {};
  for (const auto& [name, tensor] : buffers_of(model_)) statistics_.set(name, tensor.clone());
  const SameRandomNumbers same(model_.device());
  const bool training = model_.is_training();
  model_.set_training(true);
  for (int epoch = 1, steps = 0; steps < recalibration_steps; ++epoch) {
    stream.begin(epoch, 0);
    const int before = steps;
    for (const Window* window = stream.next(); window != nullptr && steps < recalibration_steps; window = stream.next(), ++steps) {
      for (const Piece& piece : window->pieces) stream.features(piece);
    }
    if (steps == before) break;  // no record can be prepared
  }
  model_.set_training(training);
}

void Averages::take_out() {
  if (!ema_) return;
  ema_->swap();
  const c10::NoGradGuard no_grad;
  for (auto [name, tensor] : buffers_of(model_)) {
    if (const at::Tensor* live = statistics_.find(name)) tensor.copy_(*live);
  }
  statistics_ = {};
}

}  // namespace graft::train
