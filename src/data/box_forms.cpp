#include "data/box_forms.h"

namespace graft::data {

void BoxForms::look(const Box& box, const Extent& picture, const std::string& place) {
  ++boxes_;
  const auto note = [&](Form& form, bool is_strange, bool fits) {
    form.would_fit += fits ? 1 : 0;
    if (is_strange) form.strange.add(text_of(box), place);
  };
  const auto holds = [&](double x, double y) { return !picture.is_known() || (x <= picture.width + 1 && y <= picture.height + 1); };
  const bool ends_early = box.x2 < box.x1 || box.y2 < box.y1;
  note(as_sides_, ends_early, box.x2 > 0 && box.y2 > 0 && holds(box.x1 + box.x2, box.y1 + box.y2));
  const double width = box.x2 - box.x1, height = box.y2 - box.y1;
  note(as_corners_, !holds(box.x2, box.y2), width > box.x1 && height > box.y1 && holds(width, height));
}

std::vector<Problem> BoxForms::problems() const {
  std::vector<Problem> found;
  if (is_likely(as_sides_)) {
    found.push_back(
        problem(as_sides_, "end before they begin", "x, y, width, height", "Write x + width and y + height for the second corner."));
  }
  if (is_likely(as_corners_)) {
    found.push_back(problem(as_corners_, "reach beyond their pictures", "corners to which x and y were added once more",
                            "The file gives corners where its form has width and height: write x2 - x1 and y2 - y1 there."));
  }
  return found;
}

Problem BoxForms::problem(const Form& form, const std::string& is_wrong, const std::string& instead, const std::string& remedy) const {
  return form.strange.problem("graft-D052",
                              "[Boxes] corners x1, y1, x2, y2 are wanted; " + std::to_string(form.strange.count()) + " of " +
                                  std::to_string(boxes_) + " boxes " + is_wrong + ", and nearly all make sense as " + instead,
                              remedy);
}

bool BoxForms::is_likely(const Form& form) const {
  const auto all = static_cast<double>(boxes_), strange = static_cast<double>(form.strange.count());
  return form.strange.count() >= 3 && strange >= 0.2 * all && static_cast<double>(form.would_fit) >= 0.95 * all;
}

}  // namespace graft::data
