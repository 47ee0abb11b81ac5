#pragma once

#include <cstdint>

#include "graph/vectors.h"

namespace graft::graph {

template <template <int> class Kernel, class Task>
void run_plain(const Task& task, std::int64_t begin, std::int64_t end) {
  Kernel<4>::run(task, begin, end);
}

#if defined(__x86_64__)
template <template <int> class Kernel, class Task>
[[gnu::target("avx2,fma")]] void run_avx2(const Task& task, std::int64_t begin, std::int64_t end) {
  Kernel<8>::run(task, begin, end);
}
template <template <int> class Kernel, class Task>
[[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,fma")]] void run_avx512(const Task& task, std::int64_t begin, std::int64_t end) {
  Kernel<16>::run(task, begin, end);
}
#endif

/// Kernel<lanes>::run(task, begin, end), with the widest vectors of this processor.
template <template <int> class Kernel, class Task>
void run_widest(const Task& task, std::int64_t begin, std::int64_t end) {
  static const auto form = [] {
#if defined(__x86_64__)
    return widest(run_avx512<Kernel, Task>, run_avx2<Kernel, Task>, run_plain<Kernel, Task>);
#else
    return run_plain<Kernel, Task>;
#endif
  }();
  form(task, begin, end);
}

}  // namespace graft::graph
