#include "core/json.h"

#include "graft/core/error.h"

namespace graft {

Json parse_json(std::string_view text, const std::string& place) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw DataError({.code = "graft-D003",
                     .message = "[Json] not valid JSON at byte " + std::to_string(error.byte) + ".",
                     .remedy = "Repair the file; a JSON checker shows the place.",
                     .place = place},
                    error.what());
  }
}

}  // namespace graft
