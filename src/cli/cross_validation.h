#pragma once

#include "cli/terminal.h"
#include "cli/train_settings.h"

namespace graft::cli {

/// graft train --folds K: measures what to expect of a model on new data; writes config.json and report.json, and no model.
int cross_validate(TrainSettings settings, const Voice& voice);

}  // namespace graft::cli
