#pragma once

#include <string>

#include "graft/core/fields.h"
#include "graft/model/model.h"

namespace graft::train {

/// Copies of what training moves, by name.
Fields snapshot(const Model& model);

/// Brings what training moves back to a snapshot, of this policy or of one that trained less: what the snapshot does not know is as the
/// backbone has it. Throws CheckpointError if it holds anything else; nothing has moved then.
void restore(const Model& model, const Fields& snapshot);

}  // namespace graft::train
