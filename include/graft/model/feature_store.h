#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>

#include "graft/core/api.h"
#include "graft/core/progress.h"
#include "graft/data/dataset.h"
#include "graft/data/loader.h"
#include "graft/model/model.h"

namespace graft {

struct FeatureStoreOptions {
  /// Positions (tokens) of a batch, see LoaderOptions; samples without positions come in batches of 32.
  std::int64_t batch_positions = 1024;
  /// Mode::Train if the samples train: random preprocessing then forbids a store.
  Mode mode = Mode::Eval;
  std::uint64_t seed = 0;
  /// Threads that prepare samples beside the caller.
  int threads = 1;
  ProgressFunction progress = {};
  std::stop_token stop = {};
};

/// The frozen half of a model paid for once: pooled features and targets of every sample, in memory on the model's device.
class GRAFT_API FeatureStore {
 public:
  /// Nothing, with the reason in the log, where features change from epoch to epoch (some of the backbone trains, preprocessing is random)
  /// or have no common shape. Throws what preparing a sample throws. A stop leaves the store short: see size().
  static std::optional<FeatureStore> make(const Model& model, const Data& data, const FeatureStoreOptions& options = {});

  /// Samples in the store.
  std::int64_t size() const { return size_; }
  /// [size, ...], in the order of the records.
  const Fields& features() const { return features_; }
  const Fields& targets() const { return targets_; }
  /// The record of each sample, [size].
  const std::vector<std::int64_t>& records() const { return records_; }
  double prepare_seconds() const { return prepare_seconds_; }
  double compute_seconds() const { return compute_seconds_; }

 private:
  FeatureStore() = default;
  Fields features_, targets_;
  std::vector<std::int64_t> records_;
  std::int64_t size_ = 0;
  double prepare_seconds_ = 0, compute_seconds_ = 0;
};

/// The target function of a model's head, for loaders.
GRAFT_API TargetFunction target_function(const Model& model);

}  // namespace graft
