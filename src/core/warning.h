#pragma once

#include <string>

#include "graft/core/error.h"

namespace graft {

/// One line: "graft-W001: message (place) remedy".
std::string warning_text(const Problem& warning);

/// Into the log.
void warn(const Problem& warning);

}  // namespace graft
