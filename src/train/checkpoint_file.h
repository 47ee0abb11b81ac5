#pragma once

#include <map>
#include <string>

#include "graft/core/fields.h"
#include "graft/train/checkpoint.h"

namespace graft::train {

/// Writes tensors and texts with a digest of all of them, atomically.
void write_sealed(const Fields& tensors, const std::string& path, std::map<std::string, std::string> texts);

/// What write_sealed() wrote: its tensors, over a mapping of the file, and its texts. Throws CheckpointError (graft-K024) if a bit of them
/// has changed, which takes reading them all.
Fields read_sealed(const std::string& path, std::map<std::string, std::string>& texts);

/// As Checkpoint::load(), but of the tensors no more than where they are: their digest is not compared.
Checkpoint look_into(const std::string& path);

}  // namespace graft::train
