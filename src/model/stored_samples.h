#pragma once

#include <functional>
#include <string>
#include <vector>

#include "graft/model/feature_set.h"
#include "model/store_state.h"

namespace graft {

/// What a store gives for a data set, in the order of the records.
struct StoredSamples {
  std::vector<StoredRow> rows = {};
  std::vector<std::int64_t> records = {};
  double prepare_seconds = 0, compute_seconds = 0;
  /// True if another view holds other values.
  bool random = false;
  /// Set where there are none: the reason.
  std::string why = {};
};

struct StoredKind {
  /// Of the frozen part and of what is kept of it.
  std::string fingerprint;
  /// What is kept of a batch: tensors [N, ...].
  std::function<Fields(const Batch&)> compute;
  /// All samples have the shapes of the first, and are laid out as one tensor a field.
  bool dense = false;
};

/// Computes what the store does not hold, every sample once, texts of equal length together, so that nothing is padded.
StoredSamples stored_samples(const Model& model, const Data& data, FeatureStore::State& store, const StoredKind& kind,
                             const FeatureSetOptions& options);

/// The targets of these samples. What is kept of them stands in for their inputs, so nothing is prepared again.
std::vector<Sample> with_targets(const Model& model, const Data& data, const StoredSamples& stored);

}  // namespace graft
