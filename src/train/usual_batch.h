#pragma once

#include <algorithm>
#include <cstddef>

#include "graft/model/model.h"
#include "graft/train/trainer_options.h"

namespace graft::train {

/// Passes over the data where no option says how many.
inline int epochs_of(const TrainerOptions& options, const Model& model) {
  return options.epochs.value_or(model.backbone_trains() || !options.unfreeze.empty() ? 3 : 30);
}

/// With a batch size where the options leave it open: 32, halved down to 8 while a run has fewer than 300 steps, in which a network with a
/// new head learns little.
inline TrainerOptions with_batch_size(TrainerOptions options, const Model& model, std::size_t records) {
  constexpr int usual = 32, least = 8;
  constexpr std::size_t wanted_steps = 300;
  if (options.batch_size != 0) return options;
  const std::size_t samples = records * static_cast<std::size_t>(epochs_of(options, model));
  options.batch_size = usual;
  while (options.batch_size > least && samples / static_cast<std::size_t>(options.batch_size * options.accumulate) < wanted_steps)
    options.batch_size /= 2;
  return options;
}

}  // namespace graft::train
