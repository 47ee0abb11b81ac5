#pragma once

#include <ATen/ATen.h>
#include <ATen/TensorIterator.h>

#include <cstdint>
#include <span>

namespace graft::graph {

/// Shares the tasks 0 ... count - 1 among LibTorch's threads. Its parallel_for does so only in sources compiled with OpenMP, and then needs
/// the very runtime that the wheel brings; its iterators have the loop on their side.
template <class Body>
void on_torch_threads(std::int64_t count, std::int64_t grain, const Body& body) {
  at::Tensor tasks = at::arange(count);
  auto iterator = at::TensorIterator::nullary_op(tasks);
  iterator.for_each(
      [&](char** data, const std::int64_t*, std::int64_t size, std::int64_t times) {
        body(std::span(reinterpret_cast<const std::int64_t*>(data[0]), static_cast<std::size_t>(size * times)));
      },
      grain);
}

}  // namespace graft::graph
