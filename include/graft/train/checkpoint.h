#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/fields.h"

namespace graft {

/// When a run writes down all that it needs to go on as if it had not been stopped, and where.
struct CheckpointOptions {
  /// Empty: nowhere.
  std::string folder = {};
  /// After so many steps, and after so many seconds, of which 0 switches each off.
  std::int64_t every_steps = 0;
  double every_seconds = 600;
  /// Newest checkpoints to keep. What has the best weights is kept beside them.
  int keep = 2;
  /// Go on from the newest checkpoint in the folder, if there is one.
  bool resume = false;
};

/// Facts by name that two runs must share to be the same: model, data, options, versions.
using Manifest = std::vector<std::pair<std::string, std::string>>;

/// A file of a run: tensors by name, and what else it must know.
struct GRAFT_API Checkpoint {
  Fields tensors;
  Manifest manifest;
  /// A JSON object: where the run, its schedule and its callbacks stand.
  std::string state;

  /// Atomically. Throws SystemError if it cannot be written; older files are as they were.
  void save(const std::string& path) const;
  /// The tensors are a mapping of the file. Throws CheckpointError if the file is no checkpoint, or damaged, be it in one bit.
  static Checkpoint load(const std::string& path);
};

/// Checkpoints of a folder by step, oldest first; empty if there is no such folder.
GRAFT_API std::vector<std::pair<std::int64_t, std::string>> checkpoints_in(const std::string& folder);

/// Throws CheckpointError with a table of the facts that differ, if any does.
GRAFT_API void require_same(const Manifest& saved, const Manifest& now, const std::string& path);

}  // namespace graft
