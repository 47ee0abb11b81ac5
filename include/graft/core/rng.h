#pragma once

#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "graft/core/api.h"

namespace graft {

/// Counter-based random numbers: the same key gives the same numbers, whatever the order, the thread or the machine.
/// Counts its draws, so that a sample that drew none is known to be the same in every epoch.
class GRAFT_API Rng {
 public:
  /// The stream of one record in one epoch.
  explicit Rng(std::uint64_t seed, std::uint64_t epoch = 0, std::uint64_t record = 0) : key_(mix(mix(mix(seed) ^ epoch) ^ record)) {}

  std::uint64_t bits() { return word(key_, ++draws_); }
  /// Number `index` of a stream, at any place.
  static std::uint64_t word(std::uint64_t key, std::uint64_t index) { return mix(key + 0x9e3779b97f4a7c15ULL * index); }
  /// Uniform in [0, 1).
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }
  /// Uniform in [0, n); n > 0.
  std::uint64_t below(std::uint64_t n) {
    const std::uint64_t limit =
        ~std::uint64_t{0} - ~std::uint64_t{0} % n;  // values past the last whole multiple of n would favour small results
    std::uint64_t value = bits();
    while (value >= limit) value = bits();
    return value % n;
  }
  /// Numbers drawn so far.
  std::uint64_t draws() const { return draws_; }

 private:
  // The finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  std::uint64_t key_;
  std::uint64_t draws_ = 0;
};

/// Fisher-Yates, in place.
template <class T>
void shuffle(std::span<T> items, Rng& rng) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[rng.below(i)]);
}

/// 0 .. n-1 in random order.
inline std::vector<std::size_t> permutation(std::size_t n, Rng rng) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  shuffle(std::span(order), rng);
  return order;
}

}  // namespace graft
