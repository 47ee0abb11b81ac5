#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace graft::head {

/// The places of a map at which a detector answers: the middle of each of its cells.
struct Grid {
  std::int64_t height = 0, width = 0;
  /// Pixels of the picture from place to place.
  std::int64_t stride = 8;
};

/// An object in pixels of what the network sees.
struct Target {
  float x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  std::int64_t label = 0;
  /// Nobody learns what is there, neither an object nor that there is none.
  bool ignored = false;
};

/// What every place of all grids, finest first, is to answer; P places in all.
struct BoxTargets {
  /// [P] int64: the class, or `nothing`, or `unknown`.
  at::Tensor labels;
  /// [P, 4]: from the place to the object's left, upper, right and lower side, in strides; 1 where there is none.
  at::Tensor sides;
};

constexpr std::int64_t nothing = -1, unknown = -2;

/// As in Tian et al., FCOS, 2019, with sampling of centres (their section on improvements): a place belongs to the smallest object in whose
/// middle it lies (within 1.5 strides) and whose farthest side is 4 to 8 strides away; the finest grid takes all that is smaller, the
/// coarsest all that is larger.
BoxTargets assign(std::span<const Grid> grids, std::span<const Target> objects);

}  // namespace graft::head
