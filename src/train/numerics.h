#pragma once

#include "graft/core/error.h"
#include "graft/data/dataset.h"
#include "graft/train/callback.h"
#include "train/stream.h"

namespace graft::train {

/// True if one of its numbers is NaN or infinite.
bool is_bad(const at::Tensor& tensor);

/// Why the loss or a gradient of this step is no number: the first bad tensor on the way from the inputs to the gradients, the layer and
/// the records where it comes up, and what to try. `steps` is TrainerOptions::precision. Runs the window again and leaves no gradients, so
/// it is for the end of a run.
NumericsError not_finite(const Model& model, const Stream& stream, const Window& window, const StepRecord& record, Precision steps);

}  // namespace graft::train
