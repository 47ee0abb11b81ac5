#pragma once

#include <string>

#include "graft/core/api.h"
#include "graft/core/fields.h"
#include "graft/data/dataset.h"

namespace graft::data {

/// Tensors in memory, one row of each a record: `tensors({{"x", images}, {"label", labels}})`. Rows of one-dimensional integer tensors are
/// numbers of the record, other rows tensors. Throws DataError if the tensors do not have the same number of rows.
GRAFT_API Data tensors(Fields fields, std::string name = "memory");

}  // namespace graft::data
