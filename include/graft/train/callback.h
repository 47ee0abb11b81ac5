#pragma once

#include "graft/core/api.h"
#include "graft/core/progress.h"
#include "graft/train/history.h"

namespace graft {

/// What a callback wants of the run.
enum class Action { Continue, Stop };

/// One optimizer step.
struct StepRecord {
  std::int64_t step = 0;
  double loss = 0;
  /// The head's rate.
  double lr = 0;
  /// Joint norm of all gradients before clipping.
  double grad_norm = 0;
};

/// Sees a run as it goes. Called by the thread that trains.
class GRAFT_API Callback {
 public:
  virtual ~Callback() = default;
  virtual Action on_step(const StepRecord&) { return Action::Continue; }
  virtual Action on_epoch(const EpochRecord&) { return Action::Continue; }
  virtual void on_progress(const Progress&) {}
};

}  // namespace graft
