#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace graft {

/// How far a long phase of work is.
struct Progress {
  /// "features", "solve", "train", "evaluate"
  std::string phase;
  std::int64_t done = 0;
  std::int64_t total = 0;
  /// What else a person wants to see on the line, such as the loss; may be empty.
  std::string note = {};
};

/// Called by the thread that works, often; keep it short. May be empty.
using ProgressFunction = std::function<void(const Progress&)>;

}  // namespace graft
