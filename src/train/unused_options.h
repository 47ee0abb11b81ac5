#pragma once

#include <optional>

#include "graft/core/error.h"
#include "graft/train/trainer_options.h"

namespace graft::train {

/// Of a run whose head is solved, the options that only steps would read; graft-W030.
std::optional<Problem> unused_options(const TrainerOptions& options);

}  // namespace graft::train
