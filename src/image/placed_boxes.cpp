#include "graft/image/placed_boxes.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace graft::image {
namespace {

Affine affine_of(const at::Tensor& geometry) {
  const at::Tensor numbers = geometry.to(at::kCPU, at::kDouble).contiguous();
  Affine map;
  std::copy_n(numbers.const_data_ptr<double>(), map.m.size(), map.m.begin());
  return map;
}

}  // namespace

std::optional<Box> placed(const Box& box, const Fields& inputs) {
  const at::Tensor* geometry = inputs.find("geometry");
  if (geometry == nullptr) return box;
  const at::Tensor frame = inputs["frame"].cpu().contiguous();
  const auto* size = frame.const_data_ptr<std::int64_t>();
  return moved(box, affine_of(*geometry), size[2], size[3]);
}

Unplaced::Unplaced(const Fields& inputs, std::int64_t row) {
  const at::Tensor* geometry = inputs.find("geometry");
  if (geometry == nullptr) return;
  const at::Tensor frame = inputs["frame"].select(0, row).cpu().contiguous();
  const auto* size = frame.const_data_ptr<std::int64_t>();
  picture_ = Picture{affine_of(geometry->select(0, row)).inverse(), size[0], size[1]};
}

Box Unplaced::operator()(const Box& box) const {
  if (!picture_) return box;
  const Point low = picture_->back.apply({box.x1, box.y1}), high = picture_->back.apply({box.x2, box.y2});
  const auto width = static_cast<double>(picture_->width), height = static_cast<double>(picture_->height);
  Box whole = box;
  whole.x1 = std::clamp(low.x, 0.0, width), whole.x2 = std::clamp(high.x, 0.0, width);
  whole.y1 = std::clamp(low.y, 0.0, height), whole.y2 = std::clamp(high.y, 0.0, height);
  return whole;
}

}  // namespace graft::image
