#pragma once

#include <cstddef>

#include "graft/model/model.h"
#include "train/course.h"

namespace graft::cli {

/// graft train --preview-schedule: prints the learning rate over the run on so many records that the preset came to, or that no steps are
/// taken. Brings the model's policy to that of the steps.
int draw_schedule(const train::Course& course, Model& model, std::size_t records);

}  // namespace graft::cli
