#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "graph/attention_kernel.h"
#include "graph/torch_threads.h"

namespace graft::graph {

/// One head of one sample of a tensor [N, H, L, D] whose last dimension is contiguous.
template <class Number>
Rows<Number> rows_of(const at::Tensor& tensor, std::int64_t n, std::int64_t h) {
  return {tensor.const_data_ptr<Number>() + n * tensor.stride(0) + h * tensor.stride(1), tensor.stride(2)};
}

/// body(n, h, scratch) for every head of every sample, on LibTorch's threads; each of them has so many floats of scratch.
template <class Body>
void on_heads(const at::Tensor& q, const at::Tensor& k, std::int64_t scratch_size, const Body& body) {
  const std::int64_t heads = q.size(1), grain = std::max<std::int64_t>(1, 16384 / (q.size(2) * k.size(2)));
  on_torch_threads(q.size(0) * heads, grain, [&](std::span<const std::int64_t> tasks) {
    std::vector<float> scratch(static_cast<std::size_t>(scratch_size));
    for (const std::int64_t task : tasks) body(task / heads, task % heads, scratch.data());
  });
}

}  // namespace graft::graph
