#pragma once

#include <algorithm>
#include <cstdint>

#include "graph/attention_kernel.h"
#include "graph/vectors.h"

namespace graft::graph {

/// As Rows, to write to.
template <class Number>
struct Results {
  Number* data = nullptr;
  std::int64_t stride = 0;
  Number* operator[](std::int64_t row) const { return data + row * stride; }
};

/// A matrix in scratch: row r, column c at data[r * stride + c].
struct Place {
  float* data = nullptr;
  std::int64_t stride = 0;
};

/// Memory of a task, cut up from its begin.
struct Scratch {
  float* next = nullptr;
  Place take(std::int64_t height, std::int64_t stride) {
    const Place place{next, stride};
    next += height * stride;
    return place;
  }
};

constexpr std::int64_t rounded(std::int64_t size, std::int64_t to) { return (size + to - 1) / to * to; }

/// Products of matrices that lie in the cache, on vectors of `lanes` floats.
template <int lanes>
struct Tiles : Access<lanes> {
  using Vector = typename Vectors<lanes>::Floats;
  using Access<lanes>::at;
  // A tile of results fills most registers: 8 x 2 of 32, or 4 x 2 of 16.
  static constexpr std::int64_t rows = lanes == 16 ? 8 : 4;

  /// to[r, c] (+)= factor * sum over k of a(r, k) b[k, c], for a tile of `rows` x `parts` vectors. a(r, k) lies at a.data[k * stride + r]
  /// if `turned`, at a.data[r * stride + k] if not.
  template <int parts, bool turned, bool added>
  GRAFT_INLINE void tile(const Place& a, const Place& b, std::int64_t depth, float factor, const Place& to) {
    Vector sum[rows][parts];
#pragma GCC unroll 8
    for (std::int64_t r = 0; r < rows; ++r) {
#pragma GCC unroll 2
      for (std::int64_t part = 0; part < parts; ++part) sum[r][part] = Vector{};
    }
    for (std::int64_t k = 0; k < depth; ++k) {
      Vector row[parts];
#pragma GCC unroll 2
      for (std::int64_t part = 0; part < parts; ++part) row[part] = at(b.data + k * b.stride + part * lanes);
#pragma GCC unroll 8
      for (std::int64_t r = 0; r < rows; ++r) {
        const float value = turned ? a.data[k * a.stride + r] : a.data[r * a.stride + k];
#pragma GCC unroll 2
        for (std::int64_t part = 0; part < parts; ++part) sum[r][part] += value * row[part];
      }
    }
#pragma GCC unroll 8
    for (std::int64_t r = 0; r < rows; ++r) {
#pragma GCC unroll 2
      for (std::int64_t part = 0; part < parts; ++part) {
        Vector& place = at(to.data + r * to.stride + part * lanes);
        place = added ? place + sum[r][part] * factor : sum[r][part] * factor;
      }
    }
  }

  /// The same for whole matrices: `height` is a multiple of `rows`, `columns` of `lanes`.
  template <bool turned, bool added>
  GRAFT_INLINE void product(const Place& a, const Place& b, std::int64_t depth, float factor, const Place& to, std::int64_t height,
                            std::int64_t columns) {
    for (std::int64_t r = 0; r < height; r += rows) {
      const Place from{a.data + (turned ? r : r * a.stride), a.stride};
      std::int64_t c = 0;
      for (; c + 2 * lanes <= columns; c += 2 * lanes)
        tile<2, turned, added>(from, {b.data + c, b.stride}, depth, factor, {to.data + r * to.stride + c, to.stride});
      if (c < columns) tile<1, turned, added>(from, {b.data + c, b.stride}, depth, factor, {to.data + r * to.stride + c, to.stride});
    }
  }

  /// Rows as floats, filled up with zeros to `height` rows of to.stride.
  template <class Number>
  GRAFT_INLINE void pack(const Rows<Number>& from, std::int64_t count, std::int64_t width, const Place& to, std::int64_t height) {
    for (std::int64_t r = 0; r < height; ++r) {
      float* row = to.data + r * to.stride;
      const std::int64_t present = r < count ? width : 0;
      for (std::int64_t d = 0; d < present; ++d) row[d] = from[r][d];
      for (std::int64_t d = present; d < to.stride; ++d) row[d] = 0;
    }
  }
  /// [height, D] to [D, height].
  GRAFT_INLINE void turn(const Place& from, std::int64_t height, std::int64_t width, const Place& to) {
    for (std::int64_t r = 0; r < height; ++r) {
      for (std::int64_t d = 0; d < width; ++d) to.data[d * to.stride + r] = from.data[r * from.stride + d];
    }
  }
  template <class Number>
  GRAFT_INLINE void unpack(const Place& from, std::int64_t count, std::int64_t width, const Results<Number>& to) {
    for (std::int64_t r = 0; r < count; ++r) {
      const float* row = from.data + r * from.stride;
      std::int64_t d = 0;
      for (; d + lanes <= width; d += lanes) Access<lanes>::store(to[r] + d, at(row + d));
      for (; d < width; ++d) to[r][d] = row[d];
    }
  }
};

}  // namespace graft::graph
