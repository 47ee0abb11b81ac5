#pragma once

#include <string_view>

#include "core/json.h"

namespace graft::data {

/// JSON of COCO without what only its other tasks need. Outlines are most of such a file; kept, they would take ten times its size.
/// Throws DataError with the place in the text.
Json parse_coco(std::string_view text, const std::string& place);

}  // namespace graft::data
