#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/rng.h"
#include "graft/data/record.h"
#include "graft/data/sample.h"

namespace graft {

enum class Mode { Train, Eval };

/// Turns records into what the network reads: a tokenizer, an image pipeline. Saved with the model, the same in training and prediction.
/// Called by several threads at once.
class GRAFT_API Preprocess {
 public:
  virtual ~Preprocess() = default;
  /// One record to its samples; random only in Mode::Train, and then drawn from `rng`.
  virtual std::vector<Sample> operator()(const Record& record, Rng& rng, Mode mode) const = 0;
  /// Enough to build it again; "type" names the kind.
  virtual nlohmann::json config() const = 0;
  /// Files that lie beside the config in a saved model: name and content.
  virtual std::vector<std::pair<std::string, std::string>> files() const { return {}; }
  virtual Padding padding() const { return {}; }
  /// True if every record is exactly one sample, all of one shape: then samples are prepared as they are needed, and not all of them before
  /// the first batch.
  virtual bool is_uniform() const { return false; }
  /// Positions (tokens) of the record that are cut off because it is longer than what the network gets; 0: none.
  virtual std::int64_t cut(const Record& record) const;
  /// A record of the kind it takes, to find the shapes of what the network gives. Needs no target.
  virtual Record example() const = 0;
};

}  // namespace graft
