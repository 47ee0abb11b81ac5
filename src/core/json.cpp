#include "core/json.h"

#include "graft/core/error.h"

namespace graft {

std::string json_text(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace); }

Json parse_json(std::string_view text, const std::string& place) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw DataError({.code = "graft-D003",
                     .message = "[Json] not valid JSON at byte " + std::to_string(error.byte) + ".",
                     .remedy = "Repair the file; a JSON checker shows the place.",
                     .place = place},
                    error.what());
  } catch (const Json::out_of_range& error) {
    throw DataError({.code = "graft-D003",
                     .message = "[Json] not valid JSON: a number is too large for a double.",
                     .remedy = "Repair the file; a JSON checker shows the place.",
                     .place = place},
                    error.what());
  }
}

}  // namespace graft
