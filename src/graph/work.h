#pragma once

#include <cstdint>
#include <functional>

namespace graft::graph {

/// Multiply-adds of matrix products, convolutions, attention and recurrent layers that LibTorch's operators do while `run` runs on this
/// thread, from the shapes they get. What else there is, is bound by memory and does not count.
std::int64_t multiply_adds(const std::function<void()>& run);

}  // namespace graft::graph
