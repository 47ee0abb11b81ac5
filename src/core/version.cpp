#include "graft/version.h"

#include <torch/version.h>

#include "core/file_format.h"

namespace graft {

BuildInfo build_info() {
#ifdef __clang__
  const std::string compiler = "Clang " __clang_version__;
#else
  const std::string compiler = "GCC " __VERSION__;
#endif
  return {GRAFT_VERSION_STRING, TORCH_VERSION, compiler, file_format};
}

std::string version() { return GRAFT_VERSION_STRING; }

}  // namespace graft
