#pragma once

#include <cstddef>
#include <functional>

namespace graft {

/// Calls body(0) ... body(n - 1) from `threads` threads (0 or 1: from the caller's). If calls throw, the exception of the smallest index is
/// rethrown once the others have ended, so that the same mistake is reported whatever the number of threads.
void parallel_for(std::size_t n, int threads, const std::function<void(std::size_t)>& body);

}  // namespace graft
