#pragma once

#include <optional>
#include <string>

#include "core/stopwatch.h"
#include "graft/train/checkpoint.h"

namespace graft::train {

/// Writes the checkpoints of a run, and takes away those that are no longer kept.
class Keeper {
 public:
  /// Makes the folder. Throws ConfigError if it cannot be written to, or if it holds checkpoints and the run is not to be resumed.
  explicit Keeper(const CheckpointOptions& options);

  bool is_on() const { return !options_.folder.empty(); }
  /// The newest that can be read, where the run is to be resumed; others are told in the log.
  std::optional<Checkpoint> newest() const;
  /// True if one is to be written after this step.
  bool is_due(std::int64_t step) const;
  /// The path. What is not kept any more is removed once this one is there.
  std::string save(std::int64_t step, const Checkpoint& checkpoint);

  /// Weights that were best so far, in a file of their own; its name.
  std::string save_best(std::int64_t step, const Fields& weights) const;
  Fields load_best(const std::string& name) const;

 private:
  void prune() const;

  CheckpointOptions options_;
  std::int64_t last_step_ = 0;
  Stopwatch since_;
};

}  // namespace graft::train
