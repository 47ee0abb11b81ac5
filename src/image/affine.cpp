#include "graft/image/affine.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace graft::image {

Affine Affine::rotated(double degrees, Point centre) {
  // y points down, so what is counter-clockwise to the eye is clockwise in these coordinates.
  const double angle = -degrees * std::numbers::pi / 180, c = std::cos(angle), s = std::sin(angle);
  return {{c, -s, centre.x - c * centre.x + s * centre.y, s, c, centre.y - s * centre.x - c * centre.y}};
}

Affine Affine::then(const Affine& next) const {
  const auto& n = next.m;
  return {{n[0] * m[0] + n[1] * m[3], n[0] * m[1] + n[1] * m[4], n[0] * m[2] + n[1] * m[5] + n[2],  //
           n[3] * m[0] + n[4] * m[3], n[3] * m[1] + n[4] * m[4], n[3] * m[2] + n[4] * m[5] + n[5]}};
}

Affine Affine::inverse() const {
  const double area = m[0] * m[4] - m[1] * m[3];
  return {{m[4] / area, -m[1] / area, (m[1] * m[5] - m[4] * m[2]) / area,  //
           -m[3] / area, m[0] / area, (m[3] * m[2] - m[0] * m[5]) / area}};
}

Point Affine::apply(Point point) const { return {m[0] * point.x + m[1] * point.y + m[2], m[3] * point.x + m[4] * point.y + m[5]}; }

std::optional<Box> moved(const Box& box, const Affine& map, std::int64_t height, std::int64_t width, const MovedBoxOptions& options) {
  const std::array corners{map.apply({box.x1, box.y1}), map.apply({box.x2, box.y1}), map.apply({box.x1, box.y2}),
                           map.apply({box.x2, box.y2})};
  const auto [left, right] = std::ranges::minmax(corners, {}, &Point::x);
  const auto [top, bottom] = std::ranges::minmax(corners, {}, &Point::y);
  Box whole = box;
  whole.x1 = left.x, whole.y1 = top.y, whole.x2 = right.x, whole.y2 = bottom.y;
  Box seen = whole;
  const auto w = static_cast<double>(width), h = static_cast<double>(height);
  seen.x1 = std::clamp(whole.x1, 0.0, w), seen.x2 = std::clamp(whole.x2, 0.0, w);
  seen.y1 = std::clamp(whole.y1, 0.0, h), seen.y2 = std::clamp(whole.y2, 0.0, h);
  if (seen.x2 - seen.x1 < options.least_side || seen.y2 - seen.y1 < options.least_side) return std::nullopt;
  if (seen.area() < options.least_visible * whole.area()) return std::nullopt;
  return seen;
}

}  // namespace graft::image
