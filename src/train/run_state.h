#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "graft/train/history.h"

namespace graft::train {

/// Where a run stands, beside its tensors.
struct RunState {
  /// Steps taken in the whole run.
  std::int64_t step = 0;
  /// As planned when the run began; 0: not yet.
  std::int64_t total_steps = 0;
  /// The epoch at hand, counted from 1, and its windows that were read: steps taken, and those of which no record could be prepared.
  int epoch = 1;
  std::int64_t step_of_epoch = 0;
  /// The epoch whose policy holds: the one before, where that at hand has not begun.
  int policy_epoch = 1;
  /// Of the epoch at hand: losses weighted by samples, samples, seconds.
  double loss_sum = 0;
  std::int64_t samples = 0;
  double seconds = 0;
  std::vector<EpochRecord> history;
  /// 0: none yet.
  int best_epoch = 0;
  double best_value = 0;
  /// The file with the best weights, without its folder.
  std::string best_file;
  /// What a batch was fitted to when the run began, so that all of it takes the same steps.
  std::optional<MemoryFit> memory = {};

  Json json() const;
  /// Throws CheckpointError with this place for anything else than what json() gives.
  static RunState from(const Json& json, const std::string& place);
};

}  // namespace graft::train
