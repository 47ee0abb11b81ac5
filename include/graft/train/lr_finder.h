#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/progress.h"
#include "graft/data/dataset.h"
#include "graft/model/model.h"
#include "graft/train/trainer_options.h"

namespace graft {

struct LrFinderOptions {
  /// The first and the last rate of the head, above 0; those between rise by the same factor from step to step.
  double lowest = 1e-7, highest = 10;
  /// At least 10. Fewer of them give each rate less time to show what it does, and the suggestion is larger.
  int steps = 100;
  /// Share of the average that is kept over a hundredth of the steps, in [0, 1). A larger one is calmer, and follows the loss later, by
  /// smoothing / (1 - smoothing) hundredths.
  double smoothing = 0.9;
  /// The test ends where the smoothed loss is this many times the lowest so far; above 1.
  double diverges = 4;
  ProgressFunction progress = {};
  std::stop_token stop = {};
};

/// The loss over the rate. Rates are the head's.
struct GRAFT_API LrFinderReport {
  /// One each for a step: its rate, the loss before it, and the smoothed loss.
  std::vector<double> rates, losses, smoothed;
  /// A rate to train with: where half of the fall of the smoothed loss, from its highest to its lowest value, is done. There it falls fast,
  /// and the rates at which it stops falling are some way off. Noise moves this place less than the steepest one, and a long tail of the
  /// fall less than its end. Unset where the loss falls by no more than it differs from batch to batch.
  std::optional<double> suggestion;
  /// Where within the fall the smoothed loss falls fastest; unset with `suggestion`.
  std::optional<double> steepest;
  /// True if the loss grew too large, or was no number, before the highest rate.
  bool diverged = false;

  /// The suggestion, and the smoothed loss over the rate as bars, for terminals.
  std::string text() const;
  /// The picture: each loss, the smoothed loss, the suggestion. Readable on light and dark ground.
  std::string svg() const;
  /// {"suggestion", "steepest", "diverged", "rates", "losses", "smoothed"}; null for what is unset.
  nlohmann::json json() const;
};

/// The learning rate range test (Smith, Cyclical Learning Rates for Training Neural Networks, 2017): steps as Trainer::fit takes them, with
/// its optimizer, groups and batches, each at a larger rate than the one before. `options.lr` and the schedule do not matter; the backbone
/// follows the head by its ratio. What trains is what the model's policy says, whatever `options.unfreeze` does.
/// Leaves everything as it was: weights, mode, precision, LibTorch's random numbers. What the frozen part gave stays in `options.store`, so
/// that training with the same one begins at once. `finder.stop` ends it after the step at hand, without a suggestion.
/// Throws ConfigError if an option is out of range, and what Trainer::fit does before its first step; NumericsError if the loss is no
/// number at the lowest rate already.
GRAFT_API LrFinderReport find_lr(Model& model, const Splits& data, const TrainerOptions& options = {}, const LrFinderOptions& finder = {});

}  // namespace graft
