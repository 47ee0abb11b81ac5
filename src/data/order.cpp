#include "graft/data/order.h"

#include <algorithm>

#include "graft/core/rng.h"

namespace graft {

std::vector<std::size_t> shuffled_order(std::size_t n, std::uint64_t seed, std::uint64_t epoch) {
  return permutation(n, Rng(seed, epoch, ~std::uint64_t{0}));  // a key that no record's preprocessing has
}

std::vector<std::size_t> grouped_order(std::vector<std::size_t> order, std::span<const std::int64_t> lengths, std::size_t batch_size,
                                       std::uint64_t seed, std::uint64_t epoch) {
  // Those that are left over by whole batches are a random choice, not the longest or shortest.
  const std::size_t batches = order.size() / batch_size, whole = batches * batch_size;
  std::stable_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(whole),
                   [&](std::size_t a, std::size_t b) { return lengths[a] < lengths[b]; });
  std::vector<std::size_t> grouped;
  grouped.reserve(order.size());
  for (const std::size_t batch : permutation(batches, Rng(seed, epoch, ~std::uint64_t{1}))) {
    const auto start = order.begin() + static_cast<std::ptrdiff_t>(batch * batch_size);
    grouped.insert(grouped.end(), start, start + static_cast<std::ptrdiff_t>(batch_size));
  }
  grouped.insert(grouped.end(), order.begin() + static_cast<std::ptrdiff_t>(whole), order.end());
  return grouped;
}

}  // namespace graft
