#pragma once

#include "graft/train/fine_tune.h"
#include "train/preflight.h"

namespace graft::train {

/// fine_tune() for a caller that may have looked at the records already: then `data.train` is what readable() gave.
FineTuneReport tune(Model& model, const Splits& data, const FineTuneOptions& options, Records records);

}  // namespace graft::train
