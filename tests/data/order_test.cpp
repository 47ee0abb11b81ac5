#include "graft/data/order.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "support.h"

using namespace graft;

namespace {

using Indices = std::vector<std::size_t>;

Indices first(std::size_t n) {
  Indices order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  return order;
}

bool is_permutation(Indices order, std::size_t n) {
  std::ranges::sort(order);
  return order == first(n);
}

/// 1 to 40, no two neighbours alike.
std::vector<std::int64_t> lengths_of(std::size_t n) {
  std::vector<std::int64_t> lengths;
  for (std::size_t i = 0; i < n; ++i) lengths.push_back(static_cast<std::int64_t>(i * 17 % 40 + 1));
  return lengths;
}

Indices grouped(std::size_t n, std::size_t batch, std::uint64_t seed, std::uint64_t epoch) {
  return grouped_order(shuffled_order(n, seed, epoch), lengths_of(n), batch, seed, epoch);
}

/// What batches of the order would be padded with, in positions.
std::int64_t padding_of(const Indices& order, const std::vector<std::int64_t>& lengths, std::size_t batch) {
  std::int64_t padding = 0;
  for (std::size_t start = 0; start < order.size(); start += batch) {
    const std::size_t end = std::min(order.size(), start + batch);
    std::int64_t longest = 0, sum = 0;
    for (std::size_t i = start; i < end; ++i) {
      longest = std::max(longest, lengths[order[i]]);
      sum += lengths[order[i]];
    }
    padding += longest * static_cast<std::int64_t>(end - start) - sum;
  }
  return padding;
}

}  // namespace

TEST_CASE("shuffled_order: every record once, by seed and epoch", "[data]") {
  CHECK(is_permutation(shuffled_order(100, 1, 2), 100));
  CHECK(shuffled_order(100, 1, 2) != first(100));
  CHECK(shuffled_order(100, 1, 2) == shuffled_order(100, 1, 2));
  CHECK(shuffled_order(100, 1, 2) != shuffled_order(100, 1, 3));
  CHECK(shuffled_order(100, 1, 2) != shuffled_order(100, 2, 2));
  CHECK(shuffled_order(0, 1, 2).empty());
  CHECK(shuffled_order(1, 1, 2) == Indices{0});
}

TEST_CASE("grouped_order: every record once, whatever the sizes", "[data]") {
  const std::size_t n = GENERATE(0, 1, 7, 8, 9, 100), batch = GENERATE(1, 4, 8, 1000);
  CHECK(is_permutation(grouped(n, batch, 3, 1), n));
}

TEST_CASE("grouped_order: records of like length share a batch", "[data]") {
  constexpr std::size_t n = 203, batch = 8;
  const auto lengths = lengths_of(n);
  const Indices order = grouped(n, batch, 3, 1), plain = shuffled_order(n, 3, 1);
  CHECK(10 * padding_of(order, lengths, batch) < padding_of(plain, lengths, batch));
  // Sorted by length, whole batches follow each other without overlap; here they stand in any order.
  std::vector<std::pair<std::int64_t, std::int64_t>> spans;
  for (std::size_t start = 0; start + batch <= n; start += batch) {
    std::vector<std::int64_t> of_batch;
    for (std::size_t i = start; i < start + batch; ++i) of_batch.push_back(lengths[order[i]]);
    spans.emplace_back(std::ranges::min(of_batch), std::ranges::max(of_batch));
  }
  CHECK_FALSE(std::ranges::is_sorted(spans));
  std::ranges::sort(spans);
  for (std::size_t i = 1; i < spans.size(); ++i) CHECK(spans[i - 1].second <= spans[i].first);
}

TEST_CASE("grouped_order: the batch that is not full comes last, and is no choice by length", "[data]") {
  constexpr std::size_t n = 203, batch = 8;
  std::set<Indices> lasts;
  double sum = 0;
  for (std::uint64_t epoch = 1; epoch <= 200; ++epoch) {
    const Indices order = grouped(n, batch, 3, epoch);
    lasts.insert(Indices(order.end() - 3, order.end()));
    for (std::size_t i = n - 3; i < n; ++i) sum += static_cast<double>(lengths_of(n)[order[i]]);
  }
  CHECK(lasts.size() > 190);
  CHECK(sum / 600 == Approx(20.5).margin(2.5));  // five deviations of a mean over 600 of 1 to 40
}

TEST_CASE("grouped_order: seed and epoch decide who shares a batch and where it stands", "[data]") {
  const Indices order = grouped(100, 8, 3, 1);
  CHECK(order == grouped(100, 8, 3, 1));
  CHECK(order != grouped(100, 8, 3, 2));
  CHECK(order != grouped(100, 8, 4, 1));
  const auto batches = [](const Indices& all) {
    std::set<std::set<std::size_t>> sets;
    for (std::size_t start = 0; start + 8 <= all.size(); start += 8)
      sets.emplace(all.begin() + static_cast<std::ptrdiff_t>(start), all.begin() + static_cast<std::ptrdiff_t>(start + 8));
    return sets;
  };
  CHECK(batches(order) != batches(grouped(100, 8, 3, 2)));
  // The same records: only where batches stand is drawn by grouped_order itself.
  const Indices again = grouped_order(shuffled_order(100, 3, 1), lengths_of(100), 8, 3, 2);
  CHECK(again != order);
  CHECK(batches(again) == batches(order));
}

TEST_CASE("grouped_order: records may come several times, as a sampler draws them", "[data]") {
  const Indices drawn{5, 5, 1, 0, 5, 1, 2, 2};
  Indices order = grouped_order(drawn, std::vector<std::int64_t>{9, 1, 5, 5, 5, 9}, 2, 1, 1), sorted = drawn;
  std::ranges::sort(order);
  std::ranges::sort(sorted);
  CHECK(order == sorted);
}
