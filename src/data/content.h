#pragma once

#include <string>

#include "graft/data/record.h"

namespace graft::data {

/// Digest of all values of a record, labels among them; its place is none.
std::string content(const Record& record);

}  // namespace graft::data
