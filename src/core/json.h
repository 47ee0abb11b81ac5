#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace graft {

using Json = nlohmann::json;
/// Keeps keys in the order they were written, for output that people read.
using OrderedJson = nlohmann::ordered_json;

/// For people and other programs: indented; bytes that are no UTF-8 are replaced.
std::string json_text(const Json& json);

/// Parses the JSON of a file. Throws DataError with the place in the text.
Json parse_json(std::string_view text, const std::string& place);

}  // namespace graft
