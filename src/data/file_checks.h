#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graft/core/error.h"

/// What the readers of tables check alike; `who` begins their texts.
namespace graft::data {

/// Where a text begins: behind the byte order mark that some editors write.
inline std::size_t begin_of(std::string_view text) { return text.starts_with("\xEF\xBB\xBF") ? 3 : 0; }

/// Throws DataError with the line of the first NUL byte or of the first byte that is not UTF-8.
void require_clean_utf8(std::string_view text, const std::string& place, const std::string& who);

/// One problem for each required column that is not there.
std::vector<Problem> missing_columns(const std::vector<std::string>& required, const std::vector<std::string>& columns,
                                     const std::string& place, const std::string& who);

/// Throws the DataError of a file without a record.
[[noreturn]] void refuse_empty(const std::string& wanted, const std::string& place, const std::string& who);

}  // namespace graft::data
