#pragma once

#include <cstdint>
#include <string>

#include "graft/core/api.h"
#include "graft/optim/schedule.h"

namespace graft {

/// For terminals: the course of the rate over a run of `total` steps with base rate `lr` as a plot in UTF-8 block characters, and a table
/// of its corners. Steps are counted from 1. Throws ConfigError without a step.
GRAFT_API std::string schedule_preview(const Schedule& schedule, std::int64_t total, double lr);

}  // namespace graft
