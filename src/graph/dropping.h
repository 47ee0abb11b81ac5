#pragma once

#include <cstdint>

namespace graft::graph {

/// What decides which numbers are dropped: number i goes where quarter i % 4 of word i / 4 of the stream `seed` is below `dropped`; the
/// others are multiplied by `scale`.
struct Dropping {
  std::uint64_t seed = 0;
  std::uint16_t dropped = 0;
  float scale = 1;
};

}  // namespace graft::graph
