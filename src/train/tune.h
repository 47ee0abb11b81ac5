#pragma once

#include "graft/train/fine_tune.h"
#include "train/course.h"
#include "train/preflight.h"

namespace graft::train {

/// What fine_tune() begins with: what the preset comes to, and whatever can be refused before anything is computed, told at once: options
/// out of range, metrics that nothing measures, and what preflight() finds. Leaves the model with the policy that it begins with.
Course ready(Model& model, const Splits& data, const FineTuneOptions& options);

/// The rest of fine_tune(); `data.train` is what readable() gave.
FineTuneReport tune(Model& model, const Splits& data, const FineTuneOptions& options, const Course& course);

}  // namespace graft::train
