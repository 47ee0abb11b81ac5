#pragma once

#include <memory>
#include <stop_token>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/dataset.h"
#include "graft/model/model.h"
#include "graft/train/callback.h"
#include "graft/train/trainer_options.h"

namespace graft {

/// Trains a model by steps. Keeps nothing of a run, so fit() may be called again.
class GRAFT_API Trainer {
 public:
  /// Throws ConfigError that lists every option out of range.
  explicit Trainer(TrainerOptions options = {});
  Trainer& add(std::shared_ptr<Callback> callback);

  /// Trains what the model's policy leaves free, and the head; leaves the model in eval mode, with the weights of the epoch that was best
  /// on validation data, or of the last one without. What lies below the freeze line is computed once. Throws DataError before the first
  /// step if a record's target does not fit, NumericsError if the loss is not finite, CheckpointError if a run is to be resumed that was
  /// another. `stop` ends the run after the step at hand, with a checkpoint and the best weights so far.
  TrainReport fit(Model& model, const Splits& data, std::stop_token stop = {}) const;

 private:
  TrainerOptions options_;
  std::vector<std::shared_ptr<Callback>> callbacks_;
};

}  // namespace graft
