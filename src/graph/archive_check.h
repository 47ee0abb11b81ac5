#pragma once

#include <memory>
#include <string>

#include "graph/archive.h"
#include "graph/network.h"

namespace graft::graph {

/// The archive in a file. Throws CheckpointError that says what the file is if it is none (graft-K001 to K003), or what is wrong with it
/// (graft-K014).
Archive open_archive(const std::shared_ptr<const Mapping>& file, const std::string& path);

/// Throws CheckpointError unless LibTorch may read the archive: it says what the file is if it is no TorchScript (graft-K001, K002, K015),
/// or what is wrong with it (graft-K014, K016, K017). Gives what is known of where it was made.
Origin check_torchscript(const Archive& archive, Trust trust);

/// Throws CheckpointError: why LibTorch did not load an archive that was checked (graft-K018: an operator that does not exist; graft-K004).
[[noreturn]] void explain_failure(const Archive& archive, const std::exception& error);

}  // namespace graft::graph
