#pragma once

#include <map>
#include <string>

#include "graft/core/api.h"
#include "graft/core/fields.h"

namespace graft::backbone {

/// The tensors of a safetensors file, over a private mapping of it: nothing is read before it is used, and writing to a tensor does not
/// reach the file. `metadata`, where given, takes the texts that the file holds beside them. Checked before any tensor is made: the
/// header's size, every offset, shape times element size (with overflow), overlaps, gaps and double names. Throws CheckpointError that
/// names the tensor.
GRAFT_API Fields read_safetensors(const std::string& path, std::map<std::string, std::string>* metadata = nullptr);

/// Writes tensors under their names, atomically. Throws SystemError if the file cannot be written, DataError for a type that the format
/// does not know.
GRAFT_API void write_safetensors(const Fields& tensors, const std::string& path, const std::map<std::string, std::string>& metadata = {});

}  // namespace graft::backbone
