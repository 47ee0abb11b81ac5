#pragma once

#include "graft/model/model.h"
#include "graft/train/trainer_options.h"
#include "train/keeper.h"
#include "train/run_state.h"

namespace graft::train {

/// The weights of the epoch that was best on validation data. Where TrainerOptions::best_metric is no number, as that of data whose truth
/// never differs, the loss decides until it is one, which is told once (graft-W015).
class Best {
 public:
  /// All are kept by reference.
  Best(const Model& model, const TrainerOptions& options, const Keeper& keeper, RunState& state)
      : model_(model), options_(options), keeper_(keeper), state_(state) {}

  /// Takes the model's weights if no epoch before was as good as this one, and writes them down where there are checkpoints.
  void offer(const EpochRecord& record);
  /// Of a run that is resumed.
  void take(Fields weights) { weights_ = std::move(weights); }
  /// Empty if there was none.
  const Fields& weights() const { return weights_; }

 private:
  /// NaN where it was not measured.
  double metric_of(const EpochRecord& record) const;

  const Model& model_;
  const TrainerOptions& options_;
  const Keeper& keeper_;
  RunState& state_;
  Fields weights_;
};

}  // namespace graft::train
