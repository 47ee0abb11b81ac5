#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "graft/core/api.h"

namespace graft {

struct FeatureStoreOptions {
  /// Bytes in memory; what is beyond lies in temporary files.
  std::int64_t budget = std::int64_t{2} << 30;
  /// Where features are kept for later runs; empty: nowhere.
  std::string folder = {};
  /// Where preparing training samples is random: passes that are kept and used in turn, epoch by epoch. 0: nothing random is kept.
  int views = 0;
};

/// What frozen parts of models gave, each record's once: found again by its content, its preprocessing, and the weights and form of the
/// frozen part. Training, evaluation, trials and cross-validation share it; with a folder, later runs do too (one file for each frozen
/// part, written as it grows, with checksums; damaged entries are computed anew). When a model's freeze line moves, what lies in memory is
/// given up for what crosses the new line. Copies are handles on one store. Not for several threads at once.
class GRAFT_API FeatureStore {
 public:
  explicit FeatureStore(const FeatureStoreOptions& options = {});
  // In a source of their own: inlined into a default argument, they make GCC 12 warn of memory that is never read.
  ~FeatureStore();
  FeatureStore(const FeatureStore&);
  FeatureStore& operator=(const FeatureStore&);

  /// Keeps nothing: the frozen part runs in every epoch.
  static FeatureStore off();
  bool is_on() const { return state_ != nullptr; }

  std::int64_t bytes_in_memory() const;
  std::int64_t bytes_in_files() const;
  /// Records that were computed, and that were found, since it was made.
  std::int64_t computed() const;
  std::int64_t found() const;

  struct State;
  /// For the library's own use.
  State& state() const { return *state_; }

 private:
  std::shared_ptr<State> state_;
};

}  // namespace graft
