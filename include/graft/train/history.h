#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graft/backbone/prefix_form.h"
#include "graft/core/api.h"
#include "graft/data/loader.h"
#include "graft/metric/metric.h"
#include "graft/train/memory_fit.h"

namespace graft {

/// One epoch of steps, or one solve of a linear head.
struct GRAFT_API EpochRecord {
  int epoch = 0;
  /// Mean over the epoch's steps, or over all samples at the solution.
  double train_loss = 0;
  /// Unset without validation data.
  std::optional<double> valid_loss = {};
  /// On validation data.
  MetricValues metrics = {};
  /// The head's rate at the last step; 0 for a solve.
  double lr = 0;
  double seconds = 0;
  std::int64_t samples = 0;
  /// Of a solve: its iterations and the strength of the penalty.
  std::optional<int> iterations = {};
  std::optional<double> l2 = {};
  /// False where the run ended within it: some steps were not taken, or it was not measured.
  bool finished = true;

  /// One line of history.jsonl.
  nlohmann::json json() const;
};

/// Seconds by name of phase, in order.
using Phases = std::vector<std::pair<std::string, double>>;
/// Adds to the phase of that name, or appends it.
GRAFT_API void add_phase(Phases& phases, const std::string& name, double seconds);

/// What a run did.
struct GRAFT_API TrainReport {
  std::vector<EpochRecord> history;
  /// The epoch whose weights the model has; 0 if there was none.
  int best_epoch = 0;
  /// "all epochs", "early stopping", "stopped", ...
  std::string ended;
  Phases phases;
  /// Steps of the whole run, and of it those that an earlier process had taken.
  std::int64_t steps = 0, resumed_at = 0;
  /// Seconds of this process's steps by what they went to: "wait" for data, "forward", "backward", "clip", "update".
  Phases step_phases;
  /// Samples that the frozen part computed in each epoch of this process, validation included: none from the second on where a store keeps
  /// what it gave.
  std::vector<std::int64_t> frozen_samples;
  /// Training records that could not be prepared, where TrainerOptions::on_error leaves them out.
  Skipped skipped;
  /// In which the frozen part was computed.
  Precision precision = Precision::Float32;
  /// Where TrainerOptions::step_budget asks for it.
  std::optional<MemoryFit> memory = {};
};

}  // namespace graft
