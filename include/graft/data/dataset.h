#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/record.h"

namespace graft {

/// Where records come from. Const and thread-safe; what else data sets can do is decoration (see Data).
class GRAFT_API Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::size_t size() const = 0;
  virtual Record get(std::size_t index) const = 0;
  /// Identifies what a network sees of a record, so that features of it are found again in another order, file or run: labels may be left
  /// out. Default: a digest of all its values; where these only name a file, its path, size and time are the key.
  virtual std::string key(std::size_t index) const;
};

struct SplitOptions {
  /// Shares of the records for validation and test, in [0, 1); the rest trains.
  double valid = 0.1;
  double test = 0.0;
  /// A field whose values keep their shares in every part; empty: plain random.
  std::string stratify = {};
  std::uint64_t seed = 0;
};

struct FoldOptions {
  /// A field whose values keep their shares in every fold; empty: plain random.
  std::string stratify = {};
  std::uint64_t seed = 0;
};

struct Splits;

/// A data set held by value: copies share the records. Every function leaves this one as it is.
class GRAFT_API Data {
 public:
  Data() = default;
  Data(std::shared_ptr<const Dataset> dataset) : dataset_(std::move(dataset)) {}

  std::size_t size() const { return dataset_ ? dataset_->size() : 0; }
  bool empty() const { return size() == 0; }
  /// Throws DataError that names the record if the data set's own code throws anything but an Error.
  Record get(std::size_t index) const;
  std::string key(std::size_t index) const { return dataset_->key(index); }

  /// The records of these indices, in this order. Throws ConfigError if one is out of range.
  Data subset(std::vector<std::size_t> indices) const;
  /// Each record passed through `change` whenever it is read.
  Data map(std::function<Record(Record)> change) const;
  /// Three parts without overlap. Throws ConfigError for shares that leave nothing to train on, DataError if `stratify` is not a field.
  Splits split(const SplitOptions& options) const;
  /// For k-fold cross-validation: each record is validation data in exactly one of the `k` splits and training data in the others; test
  /// data is empty. Folds differ by one record at most, and so do the numbers of each value of `stratify` in them. Throws ConfigError if k
  /// is below 2 or above the number of records, DataError if `stratify` is not a field.
  std::vector<Splits> folds(std::size_t k, const FoldOptions& options = {}) const;
  /// The distinct values of a field, in lexical order. Throws DataError naming the first record whose value is missing or empty.
  std::vector<std::string> labels(const std::string& field) const;

 private:
  std::shared_ptr<const Dataset> dataset_;
};

namespace data {
/// One after the other.
GRAFT_API Data concat(std::span<const Data> parts);
}  // namespace data

/// What trains, what chooses, what is reported.
struct Splits {
  Data train;
  Data valid;
  Data test;

  /// The distinct values of a field in the training part.
  std::vector<std::string> labels(const std::string& field) const { return train.labels(field); }
};

}  // namespace graft
