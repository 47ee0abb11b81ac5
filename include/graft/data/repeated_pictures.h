#pragma once

#include <vector>

#include "graft/core/api.h"
#include "graft/core/error.h"
#include "graft/data/dataset.h"

namespace graft::data {

/// Warnings of pictures that are in a set more than once, with the very same bytes: one for each part that has such, one for each two parts
/// that share some, each with the number of pictures and both places of up to three. Records have "image"; files that are not there count
/// for none.
GRAFT_API std::vector<Problem> repeated_pictures(const Splits& splits);

}  // namespace graft::data
