#pragma once

#include <exception>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/progress.h"
#include "graft/model/model.h"
#include "graft/train/history.h"

namespace graft {

/// What a callback wants of the run.
enum class Action { Continue, Stop };

/// What is known before the first step.
struct FitPlan {
  int epochs = 0;
  std::int64_t steps_per_epoch = 0;
  /// Of the whole run.
  std::int64_t steps = 0;
  /// The first step of this call is number `first_step` + 1; above 0 after a resume.
  std::int64_t first_step = 0;
  /// Where TrainerOptions::step_budget asks for it.
  std::optional<MemoryFit> memory = {};
};

/// What a step reads.
struct BatchRecord {
  int epoch = 0;
  /// Counted from 1 over the whole run.
  std::int64_t step = 0;
  /// Indices in the training data; empty where features come from a store.
  std::vector<std::int64_t> records;
  std::int64_t samples = 0;
};

/// One optimizer step.
struct StepRecord {
  /// Counted from 1 over the whole run.
  std::int64_t step = 0;
  double loss = 0;
  /// The head's rate.
  double lr = 0;
  /// Joint norm of all gradients before clipping.
  double grad_norm = 0;
  int epoch = 0;
  std::int64_t samples = 0;
};

/// A checkpoint that was written.
struct CheckpointRecord {
  std::string path;
  std::int64_t step = 0;
  int epoch = 0;
};

/// Sees a run as it goes. Called by the thread that trains; the order of the members is the order of the calls.
class GRAFT_API Callback {
 public:
  virtual ~Callback() = default;
  virtual void on_fit_begin(const Model&, const FitPlan&) {}
  virtual Action on_epoch_begin(int /*epoch*/) { return Action::Continue; }
  /// Before the forward pass.
  virtual Action on_batch(const BatchRecord&) { return Action::Continue; }
  /// Gradients are there, not yet clipped.
  virtual void on_backward(const Model&, std::int64_t /*step*/) {}
  virtual Action on_step(const StepRecord&) { return Action::Continue; }
  /// After validation at the end of an epoch; metrics and valid_loss are set, the epoch's own seconds are not yet.
  virtual Action on_evaluation(const EpochRecord&) { return Action::Continue; }
  virtual Action on_epoch(const EpochRecord&) { return Action::Continue; }
  virtual void on_checkpoint(const CheckpointRecord&) {}
  /// The run ends by this exception, which is thrown on afterwards.
  virtual void on_exception(const std::exception&) {}
  virtual void on_fit_end(const TrainReport&) {}
  virtual void on_progress(const Progress&) {}

  /// Names of the validation metrics that it reads, so that it is told before the first step if there is none of that name.
  virtual std::vector<std::string> reads_metrics() const { return {}; }
  /// What a resumed run must know of this callback; kept in checkpoints. Default: nothing.
  virtual nlohmann::json state() const;
  virtual void restore(const nlohmann::json& state);
};

}  // namespace graft
