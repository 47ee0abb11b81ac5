#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/fields.h"
#include "graft/data/decoded.h"
#include "graft/data/record.h"
#include "graft/data/sample.h"

namespace graft {

/// Names and values, in the order in which they are shown. Fractions are in [0, 1].
using MetricValues = std::vector<std::pair<std::string, double>>;

/// A quantity summed up over batches or over answers: a metric overrides update(), or answer(). Keeps sums or counts, never the outputs.
class GRAFT_API Metric {
 public:
  virtual ~Metric() = default;
  /// Adds a batch: what the head gives, the batch with its targets, and the records it came from (empty where nobody needs them).
  virtual void update(const Fields& /*outputs*/, const Batch& /*batch*/, std::span<const Record> /*records*/) {}
  /// Adds a record's answer, put together from all its samples.
  virtual void answer(const Decoded& /*answer*/, const Record& /*record*/) {}
  virtual MetricValues compute() const = 0;
  /// Adds what another object of the same class has seen.
  virtual void merge(const Metric& other) = 0;
  virtual void reset() = 0;
};

using Metrics = std::vector<std::unique_ptr<Metric>>;

/// The value of that name, or NaN.
GRAFT_API double value_of(const MetricValues& values, const std::string& name);

}  // namespace graft
