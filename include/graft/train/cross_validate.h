#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/dataset.h"
#include "graft/train/fine_tune.h"

namespace graft {

struct CrossValidationOptions {
  /// Parts of the data; each is held out once. At least 2.
  std::size_t folds = 5;
  /// Share of what is left that chooses (L2 strength, stopping), in [0, 1); the held-out part only measures.
  double valid = 0.1;
  /// A field whose values keep their shares in every part; empty: plain random.
  std::string stratify = {};
  std::uint64_t seed = 0;
  /// How each model is trained; evaluates on the held-out part whatever `evaluate` says.
  FineTuneOptions fine_tune = {};
  /// Called before each fold, counted from 1, with its parts: what has to be new for each, as callbacks and a sampler, is set here.
  std::function<void(FineTuneOptions&, const Splits& parts, std::size_t fold)> prepare = {};
};

/// What k models found on the parts that they had not seen.
struct GRAFT_API CrossValidation {
  /// One report a fold; fewer after a stop.
  std::vector<EvalReport> folds;
  /// Folds that were to be measured.
  std::size_t planned = 0;

  /// True if a stop left folds unmeasured.
  bool is_interrupted() const { return folds.size() < planned; }
  /// Over the folds: the mean, and the standard deviation of one fold (n - 1), of which two folds tell at least.
  MetricValues mean() const;
  MetricValues deviation() const;
  std::string text() const;
  /// {"folds": [{name: value}], "metrics": {name: mean}, "deviation": {name: value}, "samples", "metrics_on": "folds"}; of one that was
  /// interrupted "interrupted": true and "folds_planned" too.
  nlohmann::json json() const;
};

/// k-fold cross-validation, for data too small to give a part away: trains `folds` models from `make_model`, each on all parts but one, and
/// measures it on that one. Writes no checkpoints, as no fold can be gone on from. Throws what Data::folds, Data::split and fine_tune do.
GRAFT_API CrossValidation cross_validate(const std::function<Model()>& make_model, const Data& data,
                                         const CrossValidationOptions& options = {});

}  // namespace graft
