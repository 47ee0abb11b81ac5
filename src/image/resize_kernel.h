#pragma once

#include <cstdint>

namespace graft::image {

/// Fixed-point places of the weights: 32 bits less the 8 of a value and 2 for sums that overshoot.
constexpr int weight_bits = 32 - 8 - 2;

/// How one side is resized: value i of the result is the sum of `count[i]` values from `first[i]` on, by the weights from `i * most` on.
struct Taps {
  const std::int32_t* first;
  const std::int32_t* count;
  const std::int32_t* weights;
  std::int64_t most;
};

/// Resizes a row of RGB pixels to `width`. A byte beyond the row's last is read.
void resize_row(const unsigned char* from, const Taps& taps, std::int64_t width, unsigned char* to);

/// Sums `count` rows of `size` bytes, `stride` apart, by their weights.
void sum_rows(const unsigned char* from, std::int64_t stride, const std::int32_t* weights, std::int64_t count, std::int64_t size,
              unsigned char* to);

}  // namespace graft::image
