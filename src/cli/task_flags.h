#pragma once

#include <vector>

#include "cli/task.h"
#include "cli/train_settings.h"

namespace graft::cli {

/// Flags that a task, or a saved model that goes on, would pass over in silence.
std::vector<Problem> unfit_flags(const TrainSettings& given, const Task& task, bool goes_on);

}  // namespace graft::cli
