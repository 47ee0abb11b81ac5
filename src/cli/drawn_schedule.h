#pragma once

#include "cli/train_data.h"
#include "cli/train_settings.h"

namespace graft::cli {

/// graft train --preview-schedule: prints the learning rate over the run that these settings would make, or that no steps are taken.
/// `trainer` is what the settings come to. Brings the model's policy in line with the preset.
int draw_schedule(const TrainSettings& settings, const TrainInputs& inputs, Model& model, const TrainerOptions& trainer);

}  // namespace graft::cli
