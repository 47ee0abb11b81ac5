#pragma once

#include <string>
#include <vector>

#include "graft/core/fields.h"

namespace graft {

/// Fields as bytes and back: names, types, shapes and values of strided tensors on the CPU.
std::string bytes_of_fields(const std::vector<Fields>& samples);
/// Of bytes that bytes_of_fields() gave; checksums are the caller's.
std::vector<Fields> fields_from_bytes(const std::string& bytes);

}  // namespace graft
