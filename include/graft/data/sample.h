#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "graft/core/fields.h"

namespace graft {

/// What a network sees of a record. Windows of one document are several samples that share their record.
struct Sample {
  Fields inputs;
  Fields targets;
  /// Index of the record in its data set.
  std::int64_t record = 0;
};

/// Samples stacked along a new first dimension.
struct Batch {
  Fields inputs;
  Fields targets;
  std::vector<std::int64_t> records;

  std::int64_t size() const { return static_cast<std::int64_t>(records.size()); }
};

/// How samples of different lengths share a batch: dimension 0 of the named fields is filled up with `value`, and a mask [N, L] of 1 for
/// real and 0 for filled positions is added. A batch whose samples are equally long gets no mask: its absence means that all is real.
struct Padding {
  std::vector<std::pair<std::string, double>> values;
  std::string mask = "attention_mask";
};

}  // namespace graft
