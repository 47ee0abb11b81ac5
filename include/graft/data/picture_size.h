#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace graft::data {

/// Reads height and width of the picture in a file, as it is shown. Throws DataError if it is none.
using SizeOf = std::function<std::pair<std::int64_t, std::int64_t>(const std::string& path)>;

}  // namespace graft::data
