#pragma once

#include <vector>

#include "core/json.h"
#include "graft/core/error.h"
#include "graft/image/pictures.h"

namespace graft::image {

/// What is out of range.
std::vector<Problem> problems_of(const PicturesOptions& options);

/// As a saved file says how its pictures are read, and back.
Json config_of(const PicturesOptions& options);
PicturesOptions options_of(const Json& config);

}  // namespace graft::image
