#pragma once

#include <optional>
#include <span>
#include <vector>

#include "graft/data/collate.h"
#include "graft/model/feature_set.h"

namespace graft {

/// What crosses the freeze line, of every sample and at its true length: the part below runs once. Where all of the backbone is frozen,
/// that is what the head reads; see FeatureSet for samples of one shape.
class CutSet {
 public:
  /// Nothing, with the reason in the log, where the plan does not split, preprocessing is random, or values that cross the line belong to
  /// no single sample.
  static std::optional<CutSet> make(const Model& model, const Data& data, const FeatureSetOptions& options, const FeatureStore& store);

  std::int64_t size() const { return static_cast<std::int64_t>(samples_.size()); }
  /// The samples of these rows, padded to the longest of them: inputs for Model::features_of_kept, and targets.
  Batch batch(std::span<const std::size_t> rows) const;
  /// The same in batches of equal shapes, in which nothing is padded.
  std::vector<Batch> pieces(std::span<const std::size_t> rows) const;
  /// Positions of each sample where they differ from sample to sample, else 0.
  const std::vector<std::int64_t>& lengths() const { return lengths_; }
  /// All rows, those of equal shapes together.
  std::vector<std::size_t> by_length() const;
  /// True if the store's other views of the same data hold other values.
  bool is_random() const { return random_; }
  double prepare_seconds() const { return prepare_seconds_; }
  double compute_seconds() const { return compute_seconds_; }

 private:
  std::vector<Sample> chosen(std::span<const std::size_t> rows) const;
  void touched(const Batch& batch) const;
  explicit CutSet(FeatureStore store) : store_(std::move(store)) {}
  FeatureStore store_;
  std::vector<Sample> samples_;  // in the order of the records
  std::vector<std::int64_t> lengths_;
  Padding padding_;
  bool random_ = false;
  double prepare_seconds_ = 0, compute_seconds_ = 0;
};

}  // namespace graft
