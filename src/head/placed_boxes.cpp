#include "head/placed_boxes.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace graft::head {
namespace {

// Of a box that is cut by the edge at least this share, and at least a pixel in each direction, must be seen.
constexpr double least_seen = 0.2;

}  // namespace

std::optional<Box> placed(const Box& box, const Fields& inputs) {
  const at::Tensor* geometry = inputs.find("geometry");
  if (geometry == nullptr) return box;
  const at::Tensor map = geometry->contiguous(), frame = inputs["frame"].contiguous();
  const float* m = map.const_data_ptr<float>();
  const auto height = static_cast<double>(frame.const_data_ptr<std::int64_t>()[2]),
             width = static_cast<double>(frame.const_data_ptr<std::int64_t>()[3]);
  Box hull = box;
  hull.x1 = hull.y1 = INFINITY;
  hull.x2 = hull.y2 = -INFINITY;
  for (const double x : {box.x1, box.x2}) {
    for (const double y : {box.y1, box.y2}) {
      const double nx = m[0] * x + m[1] * y + m[2], ny = m[3] * x + m[4] * y + m[5];
      hull.x1 = std::min(hull.x1, nx), hull.x2 = std::max(hull.x2, nx);
      hull.y1 = std::min(hull.y1, ny), hull.y2 = std::max(hull.y2, ny);
    }
  }
  Box seen = hull;
  seen.x1 = std::clamp(hull.x1, 0.0, width), seen.x2 = std::clamp(hull.x2, 0.0, width);
  seen.y1 = std::clamp(hull.y1, 0.0, height), seen.y2 = std::clamp(hull.y2, 0.0, height);
  if (seen.x2 - seen.x1 < 1 || seen.y2 - seen.y1 < 1 || seen.area() < least_seen * hull.area()) return std::nullopt;
  return seen;
}

Unplaced::Unplaced(const Fields& inputs, std::int64_t row) {
  const at::Tensor* geometry = inputs.find("geometry");
  if (geometry == nullptr) return;
  known_ = true;
  const at::Tensor map = geometry->select(0, row).to(at::kCPU, at::kDouble).contiguous(),
                   frame = inputs["frame"].select(0, row).cpu().contiguous();
  const double* m = map.const_data_ptr<double>();
  x_scale_ = m[0], x_offset_ = m[2], y_scale_ = m[4], y_offset_ = m[5];
  height_ = static_cast<double>(frame.const_data_ptr<std::int64_t>()[0]);
  width_ = static_cast<double>(frame.const_data_ptr<std::int64_t>()[1]);
}

Box Unplaced::operator()(Box box) const {
  if (!known_) return box;
  box.x1 = std::clamp((box.x1 - x_offset_) / x_scale_, 0.0, width_), box.x2 = std::clamp((box.x2 - x_offset_) / x_scale_, 0.0, width_);
  box.y1 = std::clamp((box.y1 - y_offset_) / y_scale_, 0.0, height_), box.y2 = std::clamp((box.y2 - y_offset_) / y_scale_, 0.0, height_);
  return box;
}

}  // namespace graft::head
