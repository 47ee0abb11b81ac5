#include "core/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace graft {

void parallel_for(std::size_t n, int threads, const std::function<void(std::size_t)>& body) {
  constexpr std::size_t block = 16;
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr error;
  std::size_t error_index = n;
  const auto work = [&] {
    // A block that starts after a known error may be left out: whatever it throws has a larger index.
    for (std::size_t start = next.fetch_add(block); start < n; start = next.fetch_add(block)) {
      for (std::size_t i = start; i < std::min(n, start + block); ++i) {
        try {
          {
            const std::lock_guard lock(mutex);
            if (i > error_index) return;
          }
          body(i);
        } catch (...) {
          const std::lock_guard lock(mutex);
          if (i < error_index) {
            error_index = i;
            error = std::current_exception();
          }
          break;
        }
      }
    }
  };
  {
    std::vector<std::jthread> pool;
    for (int t = 1; t < threads; ++t) pool.emplace_back(work);
    work();
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace graft
