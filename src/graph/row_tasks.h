#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "graph/torch_threads.h"

namespace graft::graph {

/// Rows of a task. Sums over rows are made task by task, whatever the number of threads.
constexpr std::int64_t task_rows = 16;

constexpr std::int64_t row_tasks(std::int64_t rows) { return (rows + task_rows - 1) / task_rows; }

/// body(task, first row, end of rows), on LibTorch's threads.
template <class Body>
void on_rows(std::int64_t rows, std::int64_t width, const Body& body) {
  on_torch_threads(row_tasks(rows), std::max<std::int64_t>(1, 16384 / (task_rows * width)), [&](std::span<const std::int64_t> numbers) {
    for (const std::int64_t task : numbers) body(task, task * task_rows, std::min(rows, (task + 1) * task_rows));
  });
}

}  // namespace graft::graph
