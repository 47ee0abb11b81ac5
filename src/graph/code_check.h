#pragma once

#include <deque>
#include <optional>
#include <string>

#include "graph/source.h"

namespace graft::graph {

/// Reads the sources before LibTorch does, since loading alone runs code of the file: the methods called __setstate__. Throws
/// CheckpointError (graft-K016), which names file, line and operator, if they reach for files, sockets or memory that is not theirs, or if
/// what runs while loading might never end.
void check_code(const Archive& archive, const std::deque<Source>& sources);

/// "torchvision::nms", where the sources call an operator that does not exist in this process; for the message after LibTorch refused.
std::optional<std::string> missing_operator(const std::deque<Source>& sources);

}  // namespace graft::graph
