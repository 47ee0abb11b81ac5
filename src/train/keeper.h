#pragma once

#include <optional>
#include <string>

#include "core/stopwatch.h"
#include "graft/train/checkpoint.h"
#include "train/run_state.h"

namespace graft::train {

/// Writes the checkpoints of a run, and takes away those that are no longer kept.
class Keeper {
 public:
  /// Makes the folder, and removes what a process that was killed while writing left in it. Throws ConfigError if it cannot be written to,
  /// or if it holds checkpoints and the run is not to be resumed.
  explicit Keeper(const CheckpointOptions& options);

  bool is_on() const { return !options_.folder.empty(); }

  /// All that a run goes on from.
  struct Found {
    Checkpoint checkpoint;
    RunState run;
    /// Weights of the best epoch; empty if there was none.
    Fields best;
  };
  /// The newest that can be read, with what it names, where the run is to be resumed; others are told in the log. Throws CheckpointError if
  /// there are some and none can be read: it is not for the run to give up what was learned.
  std::optional<Found> newest() const;
  /// True if one is to be written after this step.
  bool is_due(std::int64_t step) const;
  /// The path. What is not kept any more is removed once this one is there.
  std::string save(std::int64_t step, const Checkpoint& checkpoint);

  /// Weights that were best so far, in a file of their own; its name.
  std::string save_best(std::int64_t step, const Fields& weights) const;

 private:
  Found load(const std::string& path) const;
  void prune() const;

  CheckpointOptions options_;
  Stopwatch since_;
};

}  // namespace graft::train
