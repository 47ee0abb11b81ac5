#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "graft/core/api.h"
#include "graft/data/boxes.h"

namespace graft::image {

struct Point {
  double x = 0, y = 0;
};

/// A map from the plane of one picture to that of another, such as from the pixels of a file to those that a network sees: x' = m[0] x +
/// m[1] y + m[2], y' = m[3] x + m[4] y + m[5]. The first pixel reaches from 0 to 1, so its centre lies at 0.5.
struct GRAFT_API Affine {
  std::array<double, 6> m{1, 0, 0, 0, 1, 0};

  static Affine scaled(double x, double y) { return {{x, 0, 0, 0, y, 0}}; }
  static Affine shifted(double x, double y) { return {{1, 0, x, 0, 1, y}}; }
  /// Left becomes right in a picture of this width.
  static Affine mirrored(double width) { return {{-1, 0, width, 0, 1, 0}}; }
  /// Up becomes down in a picture of this height.
  static Affine upended(double height) { return {{1, 0, 0, 0, -1, height}}; }
  /// Turned counter-clockwise, as it is seen, about a point.
  static Affine rotated(double degrees, Point centre);
  /// x' = x + factor (y - centre.y), or the same with x and y exchanged.
  static Affine sheared_x(double factor, Point centre) { return {{1, factor, -factor * centre.y, 0, 1, 0}}; }
  static Affine sheared_y(double factor, Point centre) { return {{1, 0, 0, factor, 1, -factor * centre.x}}; }

  /// This map first, then `next`.
  Affine then(const Affine& next) const;
  /// Must not be of an area of 0.
  Affine inverse() const;
  Point apply(Point point) const;
};

struct MovedBoxOptions {
  /// Share of the moved box that must lie in the frame, in [0, 1].
  double least_visible = 0.2;
  /// Least width and height of what lies in it, in pixels.
  double least_side = 1;
};

/// Where a box lies after `map` in a frame of this size: the upright rectangle about its four moved corners, cut at the frame. Nothing if
/// too little of it is left.
GRAFT_API std::optional<Box> moved(const Box& box, const Affine& map, std::int64_t height, std::int64_t width,
                                   const MovedBoxOptions& options = {});

}  // namespace graft::image
