#pragma once

#include <set>
#include <string>

#include "graph/archive.h"

namespace graft::graph {

/// What a pickle of TorchScript may do: all of it, or nothing that makes objects which open sockets.
enum class PickleClasses { Known, Any };

/// Follows `NAME.pkl` step by step as LibTorch will, without making anything: the stack, marks and memo keep their order, nothing nests
/// deep, and storages and tensors lie within their records. It comes before loading, because loading runs code of the file on these values.
/// Gives the devices on which its tensors lay. Throws CheckpointError: graft-K014 for a damaged pickle, graft-K016 for a forbidden class,
/// graft-K017 for a tensor beyond its storage.
std::set<std::string> check_pickle(const Archive& archive, const std::string& name, PickleClasses classes);

}  // namespace graft::graph
