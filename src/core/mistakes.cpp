#include "core/mistakes.h"

namespace graft {

void throw_as_first(const std::vector<Problem>& problems, const std::string& details) {
  switch (problems.front().code.at(6)) {  // graft-C...
    case 'C':
      throw ConfigError(problems, details);
    case 'D':
      throw DataError(problems, details);
    case 'M':
      throw ModelError(problems, details);
    case 'K':
      throw CheckpointError(problems, details);
    case 'N':
      throw NumericsError(problems, details);
    case 'S':
      throw SystemError(problems, details);
    default:
      throw Error(problems, details);
  }
}

}  // namespace graft
