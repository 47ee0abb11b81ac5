#include "data/box_mender.h"

#include <algorithm>
#include <cmath>

namespace graft::data {
namespace {

/// Overhang, in pixels, that is taken for rounding.
constexpr double slack = 0.01;

bool has_area(const Box& box) { return box.x2 > box.x1 && box.y2 > box.y1 && std::isfinite(box.area()); }

}  // namespace

std::optional<GivenBox> BoxMender::operator()(const GivenBox& box, const Extent& picture, const std::string& place) {
  if (!has_area(box)) {
    empty_.add(text_of(box), place);
    return std::nullopt;
  }
  if (!picture.is_known()) return box;
  GivenBox cut = box;
  cut.x1 = std::clamp(box.x1, 0.0, picture.width);
  cut.x2 = std::clamp(box.x2, 0.0, picture.width);
  cut.y1 = std::clamp(box.y1, 0.0, picture.height);
  cut.y2 = std::clamp(box.y2, 0.0, picture.height);
  if (!has_area(cut)) {
    outside_.add(text_of(box) + " in " + picture.text(), place);
    return std::nullopt;
  }
  if (std::max({cut.x1 - box.x1, cut.y1 - box.y1, box.x2 - cut.x2, box.y2 - cut.y2}) <= slack) return box;
  clipped_.add(text_of(box) + " in " + picture.text(), place);
  if (box.object_area == box.area()) cut.object_area = cut.area();
  return cut;
}

std::vector<Problem> BoxMender::warnings() const {
  std::vector<Problem> found;
  const auto tell = [&](const Tally& tally, const std::string& code, const std::string& what, const std::string& remedy) {
    const std::string boxes = std::to_string(tally.count()) + (tally.count() == 1 ? " box " : " boxes ");
    if (tally.count() > 0) found.push_back(tally.problem(code, "[Boxes] " + boxes + what, remedy));
  };
  tell(empty_, "graft-W018", "without an area dropped", "Mend the corners, x1 < x2 and y1 < y2, or take them out.");
  tell(outside_, "graft-W018", "outside their pictures dropped", "Mend the corners, or take them out.");
  tell(clipped_, "graft-W019", "cut to their pictures", "Mend the corners, or leave it at that.");
  return found;
}

}  // namespace graft::data
