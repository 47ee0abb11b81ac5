#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graft/core/fields.h"
#include "graft/model/feature_store.h"
#include "model/feature_file.h"

namespace graft {

/// One sample's values: a row of tensors that hold many.
struct StoredRow {
  std::shared_ptr<const Fields> chunk;
  std::int64_t row = 0;
  Fields fields() const;
};

/// What a store holds of one frozen part. Values lie on the CPU.
struct FeatureStore::State {
  explicit State(const FeatureStoreOptions& the_options) : options(the_options) {}

  /// From here on keys belong to this frozen part; what others gave leaves memory.
  void turn_to(const std::string& fingerprint);
  /// The samples of a record, from memory or from the file; nothing if it is in neither.
  std::optional<std::vector<StoredRow>> find(const std::string& key);
  void keep(const std::string& key, std::vector<StoredRow> rows);
  /// Room for values: in memory while the budget lasts, then in a temporary file.
  at::Tensor room(at::IntArrayRef sizes, at::ScalarType type);
  /// The same tensor, if the budget has room for it, or a copy in a temporary file.
  at::Tensor settle(const at::Tensor& values);
  /// To be called after values of the store were read or written, with their size: gives pages of temporary files back in time.
  void touched(std::int64_t bytes);

  FeatureStoreOptions options;
  std::string current;
  std::map<std::string, std::vector<StoredRow>> rows;
  std::unique_ptr<FeatureFile> file;
  std::vector<at::Tensor> spilled;
  std::int64_t in_memory = 0, in_files = 0, since_release = 0;
  std::int64_t computed = 0, found = 0;
};

}  // namespace graft
