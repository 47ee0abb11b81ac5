#pragma once

#include <cstdint>
#include <stop_token>

#include "graft/core/api.h"
#include "graft/core/progress.h"
#include "graft/eval/report.h"
#include "graft/model/feature_set.h"
#include "graft/model/model.h"

namespace graft {

struct EvaluatorOptions {
  /// Positions (tokens) of a batch, see LoaderOptions.
  std::int64_t batch_positions = 1024;
  int threads = 1;
  /// Mistakes to keep.
  std::size_t mistakes = 20;
  ProgressFunction progress = {};
  /// Where what the frozen part gives is found and kept.
  FeatureStore store = FeatureStore::off();
  /// Each picture's mirror image is asked too, and the outputs averaged, see PredictOptions. The whole network runs: no store is used, and
  /// features that are computed already are refused (ConfigError).
  bool mirrored = false;
  /// Measured beside the head's own; they keep what they have seen.
  std::vector<std::shared_ptr<Metric>> metrics = {};
};

/// Measures a model on labelled data: loss, the head's metrics and, where its answers are labels, what it confuses. The model is in eval
/// mode meanwhile and in its former mode afterwards.
class GRAFT_API Evaluator {
 public:
  explicit Evaluator(EvaluatorOptions options = {}) : options_(std::move(options)) {}
  /// Throws what preparing a record throws; DataError if there is none.
  EvalReport run(Model& model, const Data& data, std::stop_token stop = {}) const;
  /// The same from features that are computed already; `data` is what the set was made of.
  EvalReport run(Model& model, const Data& data, const FeatureSet& set) const;

 private:
  EvaluatorOptions options_;
};

}  // namespace graft
