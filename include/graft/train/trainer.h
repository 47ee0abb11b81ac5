#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/dataset.h"
#include "graft/model/feature_store.h"
#include "graft/model/model.h"
#include "graft/optim/schedule.h"
#include "graft/train/callback.h"

namespace graft {

enum class OptimizerKind { AdamW, Sgd };

struct TrainerOptions {
  /// Passes over the training data; unset: 3 if some of the backbone trains, else 30.
  std::optional<int> epochs = std::nullopt;
  /// Records of a step.
  int batch_size = 32;
  OptimizerKind optimizer = OptimizerKind::AdamW;
  /// Learning rate of the head.
  double lr = 1e-3;
  /// The backbone learns at lr times this, in [0, 1].
  double backbone_lr_ratio = 0.1;
  double weight_decay = 0.01;
  /// Of SGD; 0 switches it off.
  double momentum = 0.9;
  bool nesterov = false;
  Schedule schedule = Schedule(Schedule::Kind::Linear, 0.1);
  /// Largest joint norm of the gradients; 0 switches clipping off.
  double max_grad_norm = 1.0;
  /// Epochs without a lower validation loss before the run ends; 0 switches early stopping off.
  int patience = 0;
  /// Of the frozen part while this runs; the model has its former one afterwards.
  Precision precision = Precision::Auto;
  /// Where what the frozen part gives is kept; with FeatureStore::off() it runs in every epoch.
  FeatureStore store = FeatureStore();
  /// Draw the order of the records anew each epoch; false keeps the data's order.
  bool shuffle = true;
  /// Where texts run through a part that trains, records of like length share a batch, so that little is padded; which do is drawn anew
  /// each epoch. False: plain random batches.
  bool group_by_length = true;
  /// Seeds order, preprocessing and dropout.
  std::uint64_t seed = 0;
  /// Threads that prepare samples beside the one that trains.
  int threads = 1;
};

/// Trains a model by steps. Keeps nothing of a run, so fit() may be called again.
class GRAFT_API Trainer {
 public:
  /// Throws ConfigError that lists every option out of range.
  explicit Trainer(TrainerOptions options = {});
  Trainer& add(std::shared_ptr<Callback> callback);

  /// Trains what the model's policy leaves free, and the head; leaves the model in eval mode, with the weights of the epoch that had the
  /// lowest validation loss, or of the last one without validation data. What lies below the freeze line is computed once.
  /// Throws DataError before the first step if a record's target does not fit, NumericsError if the loss is not finite. `stop` ends the run
  /// after the step at hand, with the best weights so far.
  TrainReport fit(Model& model, const Splits& data, std::stop_token stop = {}) const;

 private:
  TrainerOptions options_;
  std::vector<std::shared_ptr<Callback>> callbacks_;
};

}  // namespace graft
