#include "graft/core/rng.h"

#include <algorithm>
#include <map>
#include <set>

#include "support.h"

using namespace graft;

namespace {

std::vector<std::uint64_t> first_bits(Rng rng, int n) {
  std::vector<std::uint64_t> bits;
  for (int i = 0; i < n; ++i) bits.push_back(rng.bits());
  return bits;
}

}  // namespace

TEST_CASE("Rng: the same key gives the same numbers, any other key others", "[core]") {
  const auto base = first_bits(Rng(1, 2, 3), 8);
  CHECK(first_bits(Rng(1, 2, 3), 8) == base);
  CHECK(first_bits(Rng(2, 2, 3), 8) != base);
  CHECK(first_bits(Rng(1, 3, 3), 8) != base);
  CHECK(first_bits(Rng(1, 2, 4), 8) != base);
  CHECK(first_bits(Rng(1), 4) == first_bits(Rng(1, 0, 0), 4));
}

TEST_CASE("Rng: near keys share no numbers, and their parts are not exchangeable", "[core]") {
  std::set<std::uint64_t> seen;
  std::size_t drawn = 0;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    for (std::uint64_t epoch = 0; epoch < 8; ++epoch) {
      for (std::uint64_t record = 0; record < 8; ++record) {
        for (const std::uint64_t bits : first_bits(Rng(seed, epoch, record), 16)) {
          seen.insert(bits);
          ++drawn;
        }
      }
    }
  }
  CHECK(seen.size() == drawn);
}

TEST_CASE("Rng: the numbers are those of SplitMix64's finalizer on any machine", "[core]") {
  // mix() keeps 0, so the key of (0, 0, 0) is 0 and the stream is that of SplitMix64 started at 0.
  CHECK(first_bits(Rng(0), 3) == std::vector<std::uint64_t>{0xe220a8397b1dcdafULL, 0x6e789e6aa1b965f4ULL, 0x06c45d188009454fULL});
}

TEST_CASE("Rng: draws are counted, whatever was drawn", "[core]") {
  Rng rng(5);
  CHECK(rng.draws() == 0);
  rng.bits();
  rng.uniform();
  CHECK(rng.draws() == 2);
  rng.below(1);
  CHECK(rng.draws() == 3);
}

TEST_CASE("Rng: a copy goes on where the original stands, and apart from it", "[core]") {
  Rng rng(9);
  rng.bits();
  Rng copy = rng;
  CHECK(copy.bits() == rng.bits());
  rng.bits();
  CHECK(copy.draws() == 2);
}

TEST_CASE("Rng: uniform numbers fill [0, 1) evenly", "[core]") {
  Rng rng(11);
  std::vector<int> tenths(10, 0);
  double sum = 0;
  for (int i = 0; i < 20000; ++i) {
    const double value = rng.uniform();
    REQUIRE(value >= 0);
    REQUIRE(value < 1);
    ++tenths[static_cast<std::size_t>(value * 10)];
    sum += value;
  }
  CHECK(sum / 20000 == Approx(0.5).margin(0.01));
  for (const int count : tenths) CHECK(count == Approx(2000).margin(200));  // about 4.7 standard deviations
}

TEST_CASE("Rng: below(n) gives every number below n alike", "[core]") {
  Rng rng(12);
  std::vector<int> counts(7, 0);
  for (int i = 0; i < 21000; ++i) {
    const auto value = rng.below(7);
    REQUIRE(value < 7);
    ++counts[value];
  }
  for (const int count : counts) CHECK(count == Approx(3000).margin(250));
  CHECK(rng.below(1) == 0);
}

TEST_CASE("Rng: below(n) does not favour small numbers where n is large", "[core]") {
  // With n of three quarters of 2^64, plain remainders would fall below 2^62 half of the time; a third is right.
  Rng rng(13);
  const std::uint64_t n = 3ULL << 62;
  int low = 0;
  for (int i = 0; i < 6000; ++i) low += rng.below(n) < (1ULL << 62);
  CHECK(low == Approx(2000).margin(180));
  CHECK(rng.draws() > 7000);  // a quarter of the numbers is drawn again
}

TEST_CASE("Rng: a permutation holds every index once and follows from its key", "[core]") {
  const auto order = permutation(1000, Rng(3));
  auto sorted = order;
  std::ranges::sort(sorted);
  std::vector<std::size_t> identity(1000);
  std::iota(identity.begin(), identity.end(), std::size_t{0});
  CHECK(sorted == identity);
  CHECK(order != identity);
  CHECK(permutation(1000, Rng(3)) == order);
  CHECK(permutation(1000, Rng(4)) != order);
  CHECK(permutation(0, Rng(3)).empty());
  CHECK(permutation(1, Rng(3)) == std::vector<std::size_t>{0});
}

TEST_CASE("Rng: all orders of three are equally likely", "[core]") {
  std::map<std::vector<std::size_t>, int> counts;
  for (std::uint64_t seed = 0; seed < 6000; ++seed) ++counts[permutation(3, Rng(seed))];
  CHECK(counts.size() == 6);
  for (const auto& [order, count] : counts) CHECK(count == Approx(1000).margin(150));
}

TEST_CASE("Rng: shuffle works in place on any items", "[core]") {
  std::vector<std::string> items{"a", "b", "c", "d", "e", "f", "g", "h"};
  Rng rng(1);
  shuffle(std::span(items), rng);
  CHECK(rng.draws() == 7);
  CHECK(std::set<std::string>(items.begin(), items.end()).size() == 8);
  CHECK_FALSE(std::ranges::is_sorted(items));
}
