#pragma once

#include <string>

#include "graft/core/api.h"

#define GRAFT_VERSION_MAJOR 0
#define GRAFT_VERSION_MINOR 1
#define GRAFT_VERSION_PATCH 0
/// One number to compare with: 100 for 0.1.0, 10203 for 1.2.3.
#define GRAFT_VERSION (GRAFT_VERSION_MAJOR * 10000 + GRAFT_VERSION_MINOR * 100 + GRAFT_VERSION_PATCH)
#define GRAFT_VERSION_STRING "0.1.0"

namespace graft {

/// What the library at hand was built from; a shared library may be another than the headers.
struct BuildInfo {
  /// "0.1.0"
  std::string version;
  /// LibTorch's, such as "2.11.0".
  std::string libtorch;
  /// "GCC 12.2.0"
  std::string compiler;
  /// The newest format of saved models that it reads, and the one that it writes.
  int file_format = 0;
};

GRAFT_API BuildInfo build_info();
/// build_info().version
GRAFT_API std::string version();

}  // namespace graft
