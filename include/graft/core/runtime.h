#pragma once

#include <string>

#include "graft/core/api.h"

namespace graft {

/// Which executor TorchScript runs on; LibTorch has one setting for the whole process.
enum class Executor {
  /// The plain interpreter over ordinary operators: no warm-up, the same numbers at every call.
  Plain,
  /// Whatever the application has chosen.
  Host,
};

struct RuntimeOptions {
  /// Threads for tensor operators; 0 keeps LibTorch's choice.
  int threads = 0;
  Executor executor = Executor::Plain;
  /// Keep freed memory in the process (glibc's mallopt) instead of giving it back to the kernel after each step, and let large tensors lie
  /// in huge pages: saves the price of fresh pages. It changes the allocator of the whole process, so a library leaves it off and the graft
  /// program switches it on.
  bool keep_memory = false;
};

/// Makes the settings of LibTorch that belong to the whole process. Called with defaults at the library's first use; an application that
/// wants others calls it earlier. Throws ConfigError when a call that differs from the first one comes too late (threads may always
/// change).
GRAFT_API void runtime(const RuntimeOptions& options);
GRAFT_API void runtime();

/// The processor's kernels, LibTorch's version and threads, in one line.
GRAFT_API std::string system_text();

}  // namespace graft
