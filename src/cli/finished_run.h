#pragma once

#include "cli/terminal.h"
#include "cli/train_settings.h"

namespace graft::cli {

/// Answers a command that went on (--resume auto) until there was nothing left to do, from what the run folder holds. Throws CheckpointError
/// with a table if the settings ask for another run.
int tell_finished(const TrainSettings& settings, const Voice& voice);

}  // namespace graft::cli
