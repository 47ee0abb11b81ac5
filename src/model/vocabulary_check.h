#pragma once

#include "graft/backbone/backbone.h"
#include "graft/data/preprocess.h"

namespace graft {

/// Refuses a tokenizer that has more tokens than the network has rows for: throws ConfigError with both numbers. Where the network's
/// largest table looks too small the largest id is tried. The network must be on the CPU: a GPU does not survive an id without a row.
void require_rows(const Backbone& backbone, const Preprocess& preprocess);

}  // namespace graft
