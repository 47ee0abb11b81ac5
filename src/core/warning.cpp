#include "core/warning.h"

#include "graft/core/log.h"

namespace graft {

std::string warning_text(const Problem& warning) {
  return warning.code + ": " + warning.message + (warning.place.empty() ? "" : " (" + warning.place + ")") + " " + warning.remedy;
}

void warn(const Problem& warning) { log(LogLevel::Warning, warning_text(warning)); }

}  // namespace graft
