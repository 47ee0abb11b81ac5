#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "core/stopwatch.h"
#include "graft/train/callback.h"
#include "graft/train/trainer_options.h"
#include "train/audit.h"
#include "train/averages.h"
#include "train/keeper.h"
#include "train/run_state.h"
#include "train/stepper.h"
#include "train/validation.h"

namespace graft::train {

/// One call of Trainer::fit().
class Run {
 public:
  /// Everything is kept by reference.
  Run(Model& model, const Splits& data, const TrainerOptions& options, std::vector<std::shared_ptr<Callback>> callbacks,
      std::stop_token stop);
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
  void end(const std::string& why);
  bool is_stopped();
  template <class Call>
  void tell(Call call);
  void progress(const Progress& progress) const;

  Model& model_;
  const Splits& data_;
  const TrainerOptions& options_;
  Schedule schedule_;
  std::vector<std::shared_ptr<Callback>> callbacks_;
  std::stop_token stop_;

  Keeper keeper_;
  Validation validation_;
  Averages averages_;
  std::optional<FrozenAudit> audit_;
  Stores stores_;
  std::unique_ptr<Stream> stream_;
  std::optional<Stepper> stepper_;
  Manifest identity_;  // empty without checkpoints
  Fields best_;        // weights of the best epoch
  RunState state_;
  int epochs_ = 0;
  TrainReport report_;
  Stopwatch said_, epoch_watch_;
  bool ended_ = false;
};

}  // namespace graft::train
