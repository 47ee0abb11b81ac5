#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graft/adapt/freeze.h"
#include "graft/data/loader.h"
#include "graft/data/sampler.h"
#include "graft/model/feature_store.h"
#include "graft/model/model.h"
#include "graft/optim/clip.h"
#include "graft/optim/regularizer.h"
#include "graft/optim/schedule.h"
#include "graft/train/checkpoint.h"

namespace graft {

enum class OptimizerKind { AdamW, Sgd, Lion };

/// Rates of the parameters whose name matches a glob, such as "backbone.embeddings*" or "head.*".
struct RateRule {
  std::string pattern;
  /// Of the rate that they would have.
  double lr_scale = 1.0;
  std::optional<double> weight_decay = std::nullopt;
};

/// From this epoch on, counted from 1, this policy holds.
struct Unfreeze {
  int epoch = 1;
  Freeze freeze = Freeze::all();
};

/// Of TrainerOptions::step_budget.
constexpr std::int64_t free_memory = -1;

/// Of TrainerOptions::backbone_lr_ratio, where neither caller nor preset says it.
constexpr double usual_backbone_lr_ratio = 0.1;

struct TrainerOptions {
  /// Passes over the training data; unset: 3 if some of the backbone trains, else 30.
  std::optional<int> epochs = std::nullopt;
  /// Records of a batch; 0: 32, or as few as 8 where a run would have less than 300 steps.
  int batch_size = 0;
  /// Batches of a step: their gradients are those of one batch of all their records.
  int accumulate = 1;
  OptimizerKind optimizer = OptimizerKind::AdamW;
  /// Learning rate of the head.
  double lr = 1e-3;
  /// The backbone learns at lr times this, in [0, 1]; unset: 0.1, or what a preset takes.
  std::optional<double> backbone_lr_ratio = std::nullopt;
  /// Each layer group below the last one learns at this share of the rate of the one above it, in (0, 1]; unset: 1, or what a preset takes.
  std::optional<double> layer_decay = std::nullopt;
  double weight_decay = 0.01;
  /// Biases, norms and embedding tables decay too. Where tables do not, rows that no batch reads cost nothing.
  bool decay_all = false;
  /// The first that matches a parameter's name holds.
  std::vector<RateRule> rates = {};
  /// Of SGD; 0 switches it off.
  double momentum = 0.9;
  bool nesterov = false;
  Schedule schedule = Schedule(Schedule::Kind::Linear, 0.1);
  Clip clip = {};
  /// Penalties on the weights, made anew for each run: {[] { return std::make_unique<L2Sp>(0.1); }}.
  std::vector<std::function<std::unique_ptr<Regularizer>()>> regularizers = {};
  /// Decay of an average of the weights, which is what validation measures and the model has in the end; 0 switches it off. 0.99 to 0.9999.
  double ema = 0.0;
  /// Measured on validation data; the epoch that has its best value gives the model its weights.
  std::string best_metric = "loss";
  /// Epochs without a better value before the run ends; 0 switches early stopping off.
  int patience = 0;
  /// Policies that hold in the place of the model's, each training at least what the one before it did. Parameters that start to train
  /// later have their place in the optimizer from the first step on.
  std::vector<Unfreeze> unfreeze = {};
  /// BFloat16: products of what trains are computed in it as well, on weights of float32. Auto: the frozen part alone, where it is fast.
  /// The model has its former precision afterwards.
  Precision precision = Precision::Auto;
  /// See Model::set_gradient_checkpointing().
  bool gradient_checkpointing = false;
  /// Bytes that steps which train some of the backbone may take beside its weights and what is stored: what is kept for the backward pass,
  /// gradients, the optimizer's state. A batch that takes more is computed in parts, to the same gradient (batch norm that trains sees the
  /// parts, which is warned of). How many records fit is measured before the first step, and a resumed run keeps to it. free_memory: a
  /// share of what is free when the run begins; 0: batches as they are.
  std::int64_t step_budget = 0;
  /// Where what the frozen part gives is kept; with FeatureStore::off() it runs in every epoch.
  FeatureStore store = FeatureStore();
  /// Draw the order of the records anew each epoch; false keeps the data's order.
  bool shuffle = true;
  /// Records of an epoch, drawn with replacement, in the place of all of them.
  std::optional<Sampler> sampler = std::nullopt;
  /// Training pictures are mixed with others of the data, see MixOptions: the head learns what it should answer in the same shares. Nothing
  /// is stored of what is mixed anew in each epoch, and every picture is prepared twice. A head that is solved before the steps sees pictures
  /// as they are. 0 disables.
  double mixup = 0;
  double cutmix = 0;
  /// Where texts run through a part that trains, records of like length share a batch, which is computed in pieces of equal or like length,
  /// so that hardly anything is padded; which records do is drawn anew each epoch. False: plain random batches.
  bool group_by_length = true;
  /// Skip: training records that cannot be prepared, or whose target does not fit, are left out and reported; each is prepared once for
  /// that before the run begins.
  OnError on_error = OnError::Fail;
  /// Seeds order, preprocessing and dropout.
  std::uint64_t seed = 0;
  /// On a GPU too, take algorithms that repeat to the bit; one that cannot ends the run and says so.
  bool deterministic = false;
  /// Threads that prepare samples beside the one that trains.
  int threads = 1;
  /// For trials: so many steps of each epoch; unset: all.
  std::optional<std::int64_t> limit_steps = std::nullopt;
  /// For trials: every step sees the first step's records; a network that can learn brings their loss towards 0.
  bool overfit_batch = false;
  CheckpointOptions checkpoints = {};
};

}  // namespace graft
