#pragma once

#include <optional>
#include <span>
#include <vector>

#include "graft/data/collate.h"
#include "graft/model/feature_store.h"

namespace graft {

/// What crosses the freeze line, of every sample and at its true length, where some of the backbone trains: the part below runs once.
class CutStore {
 public:
  /// Nothing, with the reason in the log, where the plan does not split, preprocessing is random, values that cross the line belong to no
  /// single sample, or they would take more than `budget` bytes.
  static std::optional<CutStore> make(const Model& model, const Data& data, const FeatureStoreOptions& options, std::int64_t budget);

  std::int64_t size() const { return static_cast<std::int64_t>(samples_.size()); }
  /// The samples of these rows, padded to the longest of them: inputs for Model::features_of_cut, and targets.
  Batch batch(std::span<const std::size_t> rows) const;
  double prepare_seconds() const { return prepare_seconds_; }
  double compute_seconds() const { return compute_seconds_; }

 private:
  CutStore() = default;
  std::vector<Sample> samples_;  // in the order of the records
  Padding padding_;
  double prepare_seconds_ = 0, compute_seconds_ = 0;
};

}  // namespace graft
