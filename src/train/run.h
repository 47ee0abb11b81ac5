#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "core/stopwatch.h"
#include "graft/train/callback.h"
#include "graft/train/trainer_options.h"
#include "train/audience.h"
#include "train/audit.h"
#include "train/averages.h"
#include "train/best.h"
#include "train/keeper.h"
#include "train/preflight.h"
#include "train/stepper.h"
#include "train/validation.h"

namespace graft::train {

/// One call of Trainer::fit().
class Run {
 public:
  /// Model and options are kept by reference.
  Run(Model& model, const Splits& data, const TrainerOptions& options, std::vector<std::shared_ptr<Callback>> callbacks,
      std::stop_token stop, Records records);
  TrainReport operator()();

 private:
  void prepare();
  void train();
  void run_epoch();
  /// The steps of the epoch at hand, or what is left of them.
  void run_steps();
  void validate(EpochRecord& record);
  /// Brings the model to the policy of this epoch, and what steps it; false if it has it already.
  bool adopt(int epoch);
  /// The same, and makes what its steps and its validation read.
  void enter(int epoch);
  Stores fill(const Data& data, Mode mode);
  /// Finds how much of a batch is computed at once, where that is asked for and not known.
  void fit();
  void resume(const Keeper::Found& found);
  void restore_random(const Checkpoint& checkpoint);
  /// What a run that goes on from here must know beside tensors.
  Json stand();
  void save_checkpoint(const Json& stand);

  Model& model_;
  Splits data_;
  Records records_;
  const TrainerOptions& options_;
  Schedule schedule_;
  Audience audience_;

  Keeper keeper_;
  Validation validation_;
  Averages averages_;
  RunState state_;
  Best best_;
  std::optional<FrozenAudit> audit_;
  Stores stores_;
  std::unique_ptr<Stream> stream_;
  std::optional<Stepper> stepper_;
  Manifest identity_;  // empty without checkpoints
  int epochs_ = 0;
  std::int64_t frozen_at_start_ = 0;  // samples that the frozen part had computed
  TrainReport report_;
  Stopwatch said_, epoch_watch_;
};

}  // namespace graft::train
