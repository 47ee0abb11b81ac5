#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/dataset.h"

namespace graft {

/// Which records an epoch trains on, where not each of them once: drawn with replacement, each record as likely as its weight says. A
/// value.
class GRAFT_API Sampler {
 public:
  /// One weight a record; 0: never drawn. Throws ConfigError for weights that are negative or not finite, all 0, or none.
  static Sampler weighted(std::vector<double> weights);
  /// Each value of the field is as likely as any other, and so are the records that share one: an epoch has about as many of a rare class
  /// as of a frequent one. Throws DataError if the field is missing in a record, ConfigError if there are no records.
  static Sampler balanced(const Data& data, const std::string& field);

  /// The indices of an epoch's records, as many as there are records. The same for the same seed and epoch.
  std::vector<std::size_t> order(std::uint64_t seed, std::uint64_t epoch) const;
  /// Number of records.
  std::size_t size() const { return cumulated_.size(); }

 private:
  explicit Sampler(std::vector<double> cumulated) : cumulated_(std::move(cumulated)) {}

  std::vector<double> cumulated_;  // sums of the weights up to each record, with it
};

}  // namespace graft
