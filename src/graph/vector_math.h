#pragma once

#include <cstdint>
#include <cstring>

#include "graft/core/rng.h"
#include "graph/dropping.h"
#include "graph/vectors.h"

namespace graft::graph {

// Decisions of dropout come in groups of as many.
constexpr std::int64_t drop_group = 32;

template <int lanes>
struct VectorMath : Access<lanes> {
  using Vector = typename Vectors<lanes>::Floats;
  using Integers = typename Vectors<lanes>::Integers;
  using Halves = typename Vectors<lanes>::Halves;
  using Access<lanes>::at;

  /// e^x for x <= 0, to 2e-7 relative: 2^n times the Taylor series of e^r to the 7th power, |r| <= ln(2) / 2. Below 2^-64, which a sum of
  /// float32 with a 1 in it does not notice, it is 0: products of smaller numbers leave the range of normal ones, where processors are slow.
  GRAFT_INLINE void exponential(float* data) {
    const Vector x = at(data);
    Integers n = __builtin_convertvector(x * 1.44269504f - 0.5f, Integers);
    const Vector whole = __builtin_convertvector(n, Vector);
    const Vector r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;  // ln 2 in two parts, so that the first product is exact
    const Vector series =
        1 + r * (1 + r * (0.5f + r * (1.0f / 6 + r * (1.0f / 24 + r * (1.0f / 120 + r * (1.0f / 720 + r * (1.0f / 5040)))))));
    n = (n + 127) << 23;
    const Vector power = series * reinterpret_cast<const Vector&>(n);
    at(data) = x < Vector{} - 44.3614f ? Vector{} : power;
  }

  /// What the `count` numbers from `place` on are multiplied by: 0 where they are dropped, else the scale; both are multiples of 4.
  GRAFT_INLINE void drop_factors(const Dropping& dropping, std::int64_t place, std::int64_t count, float* to) {
    std::uint64_t words[drop_group / 4];
    for (std::int64_t k = 0; k < count / 4; ++k) words[k] = Rng::word(dropping.seed, static_cast<std::uint64_t>(place / 4 + k));
    std::uint16_t decisions[drop_group];
    std::memcpy(decisions, words, sizeof(decisions));
    const Integers least = Integers{} + dropping.dropped;
    const Vector scale = Vector{} + dropping.scale;
    for (std::int64_t j = 0; j < count; j += lanes) {
      const Integers decided = __builtin_convertvector(*reinterpret_cast<const Halves*>(decisions + j), Integers);
      const Integers kept = (decided >= least) & reinterpret_cast<const Integers&>(scale);
      at(to + j) = reinterpret_cast<const Vector&>(kept);
    }
  }
};

}  // namespace graft::graph
