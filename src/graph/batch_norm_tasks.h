#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <ranges>
#include <span>
#include <vector>

#include "graph/batch_norm_kernel.h"
#include "graph/torch_threads.h"

namespace graft::graph {

/// Values after which the channels, which lie last, and the kernels' blocks begin together again.
inline std::int64_t batch_norm_period(std::int64_t channels) { return std::lcm(channels, batch_norm_block); }

/// The values of a tensor in tasks of whole periods that stay in a core's cache. Sums are made task by task, whatever the number of
/// threads.
struct BatchNormTasks {
  std::int64_t values, channels, period, size, count;

  explicit BatchNormTasks(const at::Tensor& x)
      : values(x.numel()),
        channels(x.size(1)),
        period(batch_norm_period(channels)),
        size(std::max<std::int64_t>(1, 16384 / period) * period),
        count((values + size - 1) / size) {}

  std::int64_t begin(std::int64_t task) const { return task * size; }
  std::int64_t end(std::int64_t task) const { return std::min(values, (task + 1) * size); }
  /// Values of each channel.
  std::int64_t rows(std::int64_t task) const { return (end(task) - begin(task)) / channels; }
  std::int64_t rows() const { return values / channels; }

  /// body(task), on LibTorch's threads.
  template <class Body>
  void each(const Body& body) const {
    on_torch_threads(count, 1, [&](std::span<const std::int64_t> tasks) { std::ranges::for_each(tasks, body); });
  }
  /// The last ones first: they still lie in the cache.
  template <class Body>
  void each_backwards(const Body& body) const {
    on_torch_threads(count, 1, [&](std::span<const std::int64_t> tasks) { std::ranges::for_each(tasks | std::views::reverse, body); });
  }

  /// The sum of each channel from those of a period's places.
  void fold(const std::vector<float>& sums, float* to) const {
    for (std::int64_t c = 0; c < channels; ++c) {
      double total = 0;
      for (std::int64_t i = c; i < period; i += channels) total += sums[static_cast<std::size_t>(i)];
      to[c] = static_cast<float>(total);
    }
  }
  /// A period of what belongs to the channels.
  std::vector<float> repeated(const float* channel_values) const {
    std::vector<float> all(static_cast<std::size_t>(period));
    for (std::int64_t i = 0; i < period; i += channels) std::copy_n(channel_values, channels, all.begin() + i);
    return all;
  }
};

}  // namespace graft::graph
