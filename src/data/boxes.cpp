#include "graft/data/boxes.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "graft/core/error.h"
#include "graft/core/fields.h"

namespace graft {
namespace {

at::Tensor numbers(const Record& record, const char* field) { return record.tensor(field).to(at::kDouble).contiguous(); }

[[noreturn]] void refuse(const Record& record, const std::string& got) {
  throw DataError({.code = "graft-D047",
                   .message = "[Boxes] \"boxes\" [M, 4], a list \"classes\" of M names, and [M] of whatever else is said of them are wanted; " + got,
                   .remedy = "Give x1, y1, x2, y2 and a class for each box; a picture without objects has [0, 4] and an empty list.",
                   .place = record.place});
}

}  // namespace

double intersection_over_union(const Box& a, const Box& b) {
  const double width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1), height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  if (width <= 0 || height <= 0) return 0;
  const double common = width * height;
  return common / (a.area() + b.area() - common);
}

std::vector<GivenBox> boxes_of(const Record& record) {
  const auto classes = record.values.find("classes");
  const auto* names = classes == record.values.end() ? nullptr : std::get_if<std::vector<std::string>>(&classes->second);
  if (names == nullptr || !record.has("boxes")) refuse(record, "a field is missing, or is something else.");
  const at::Tensor boxes = numbers(record, "boxes");
  const auto count = static_cast<std::int64_t>(names->size());
  if (boxes.dim() != 2 || boxes.size(0) != count || boxes.size(1) != 4)
    refuse(record, "got boxes " + shape_text(boxes.sizes()) + " and " + std::to_string(count) + " names.");
  const auto extra = [&](const char* field) {
    at::Tensor values = record.has_value(field) ? numbers(record, field) : at::Tensor();
    if (values.defined() && (values.dim() != 1 || values.size(0) != count))
      refuse(record, "got \"" + std::string(field) + "\" " + shape_text(values.sizes()) + " for " + std::to_string(count) + " boxes.");
    return values;
  };
  const at::Tensor ignored = extra("ignored"), areas = extra("areas");
  std::vector<GivenBox> found(names->size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double* corner = boxes.const_data_ptr<double>() + 4 * i;
    found[i] = {{corner[0], corner[1], corner[2], corner[3], (*names)[i]}};
    found[i].ignored = ignored.defined() && ignored.const_data_ptr<double>()[i] != 0;
    found[i].object_area = areas.defined() ? areas.const_data_ptr<double>()[i] : found[i].area();
  }
  return found;
}

void set_boxes(Record& record, const std::vector<GivenBox>& boxes) {
  const auto count = static_cast<std::int64_t>(boxes.size());
  at::Tensor corners = at::empty({count, 4}, at::kDouble), ignored = at::zeros({count}, at::kDouble), areas = at::empty({count}, at::kDouble);
  std::vector<std::string> names;
  bool any_ignored = false, any_area = false;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const GivenBox& box = boxes[i];
    double* corner = corners.mutable_data_ptr<double>() + 4 * i;
    corner[0] = box.x1, corner[1] = box.y1, corner[2] = box.x2, corner[3] = box.y2;
    ignored.mutable_data_ptr<double>()[i] = box.ignored ? 1 : 0;
    areas.mutable_data_ptr<double>()[i] = box.object_area;
    any_ignored |= box.ignored;
    any_area |= box.object_area != box.area();
    names.push_back(box.label);
  }
  record.values["boxes"] = corners;
  record.values["classes"] = std::move(names);
  if (any_ignored) record.values["ignored"] = ignored;
  if (any_area) record.values["areas"] = areas;
}

}  // namespace graft
