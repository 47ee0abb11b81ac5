#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "graft/core/api.h"

namespace graft {

/// How the batches of a run were fitted to memory: see TrainerOptions::step_budget.
struct GRAFT_API MemoryFit {
  /// Records of a batch; at most so many of them are computed at once, in so many parts.
  std::int64_t batch = 0, records = 0, parts = 1;
  /// Bytes that such a step takes at its most, measured on the longest record.
  std::int64_t bytes = 0;
  /// Bytes that it may take.
  std::int64_t budget = 0;

  bool operator==(const MemoryFit&) const = default;
  /// One line.
  std::string text() const;
  /// {"batch", "records", "parts", "bytes", "budget"}.
  nlohmann::json json() const;
};

}  // namespace graft
