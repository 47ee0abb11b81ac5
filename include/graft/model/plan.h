#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "graft/core/api.h"

namespace graft {

/// Where the freeze line runs through a backbone, and what it gains.
struct GRAFT_API Plan {
  /// False: training runs the whole network in every epoch, because of `why`.
  bool splits = false;
  std::string why;
  /// Numbers of scalars below the line, computed once, and above it.
  std::int64_t prefix_parameters = 0, suffix_parameters = 0;
  /// What is kept of a sample: names with shapes, without the batch dimension, for the preprocessing's example; and its bytes.
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> cut;
  std::int64_t bytes_per_sample = 0;

  std::string text() const;
};

}  // namespace graft
