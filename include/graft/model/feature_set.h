#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/progress.h"
#include "graft/data/dataset.h"
#include "graft/data/loader.h"
#include "graft/model/feature_store.h"
#include "graft/model/model.h"

namespace graft {

struct FeatureSetOptions {
  /// Positions (tokens) of a batch, see LoaderOptions; samples without positions come in batches of 32.
  std::int64_t batch_positions = 1024;
  /// Mode::Train if the samples train: random preprocessing then forbids a set, unless the store keeps views.
  Mode mode = Mode::Eval;
  std::uint64_t seed = 0;
  /// Which of the store's views, from 0 on, where preprocessing is random.
  int view = 0;
  /// Threads that prepare samples beside the caller.
  int threads = 1;
  ProgressFunction progress = {};
  std::stop_token stop = {};
};

/// The features of a data set on a frozen backbone, and its targets: one row a sample, in the order of the records, on the model's device.
class GRAFT_API FeatureSet {
 public:
  /// Computes what the store does not hold. Nothing, with the reason in the log, where features change from epoch to epoch (some of the
  /// backbone trains, preprocessing is random) or have no common shape. Throws what preparing a sample throws. A stop leaves the set short:
  /// see size().
  static std::optional<FeatureSet> make(const Model& model, const Data& data, const FeatureSetOptions& options = {},
                                        const FeatureStore& store = FeatureStore());

  /// Samples in the set.
  std::int64_t size() const { return static_cast<std::int64_t>(records_.size()); }
  /// [size, ...]
  const Fields& features() const { return features_; }
  const Fields& targets() const { return targets_; }
  /// To be told of rows that were read, so that a store beyond its budget gives memory back in time.
  void touched(const Fields& rows) const;
  /// The record of each sample, [size].
  const std::vector<std::int64_t>& records() const { return records_; }
  /// True if the store's other views of the same data hold other values.
  bool is_random() const { return random_; }
  double prepare_seconds() const { return prepare_seconds_; }
  double compute_seconds() const { return compute_seconds_; }

 private:
  explicit FeatureSet(FeatureStore store) : store_(std::move(store)) {}
  FeatureStore store_;
  Fields features_, targets_;
  std::vector<std::int64_t> records_;
  bool random_ = false;
  double prepare_seconds_ = 0, compute_seconds_ = 0;
};

/// The target function of a model's head, for loaders.
GRAFT_API TargetFunction target_function(const Model& model);

}  // namespace graft
