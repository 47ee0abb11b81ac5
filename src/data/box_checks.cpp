#include "graft/data/box_checks.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <set>

#include "core/names.h"
#include "core/table.h"
#include "core/warning.h"
#include "data/ascii.h"
#include "data/pictures.h"
#include "data/tally.h"
#include "graft/data/boxes.h"
#include "graft/data/repeated_pictures.h"

namespace graft::data {
namespace {

/// Overhang, in pixels, that is taken for rounding.
constexpr double slack = 0.01;
constexpr std::size_t most_problems = 100;

/// Records some of whose boxes are others.
class WithBoxes final : public Dataset {
 public:
  using Changed = std::vector<std::optional<std::vector<GivenBox>>>;

  WithBoxes(Data whole, Changed boxes) : whole_(std::move(whole)), boxes_(std::move(boxes)) {}
  std::size_t size() const override { return whole_.size(); }
  Record get(std::size_t index) const override {
    Record record = whole_.get(index);
    if (!boxes_.at(index)) return record;
    for (const char* field : {"ignored", "areas"}) record.values.erase(field);
    set_boxes(record, *boxes_[index]);
    return record;
  }
  std::string key(std::size_t index) const override { return whole_.key(index); }

 private:
  Data whole_;
  Changed boxes_;
};

struct Size {
  double width = 0, height = 0;
  bool is_known() const { return width > 0 && height > 0; }
  std::string text() const { return fixed(width, 0) + " x " + fixed(height, 0); }
};

std::string text_of(const Box& box) {
  std::string text = "\"" + box.label + "\" [";
  for (const double value : {box.x1, box.y1, box.x2, box.y2}) {
    text += (text.ends_with('[') ? "" : ", ") + fixed(value, value == std::floor(value) ? 0 : 2);
  }
  return text + "]";
}

bool has_area(const Box& box) { return box.x2 > box.x1 && box.y2 > box.y1 && std::isfinite(box.area()); }

bool is_background(const std::string& label) {
  std::string name = lower_ascii(label);
  std::erase(name, '_');
  return name == "background";
}

/// Boxes that look as if they had been written in another form. That is taken for a mistake of a whole part, where the other form would
/// make sense of nearly all its boxes.
struct OtherForm {
  std::size_t boxes = 0, would_fit = 0;
  Tally strange = {};

  void look(const Box& box, bool is_strange, bool fits, const std::string& place) {
    ++boxes;
    would_fit += fits ? 1 : 0;
    if (is_strange) strange.add(text_of(box), place);
  }
  bool is_likely() const {
    const auto all = static_cast<double>(boxes);
    return strange.count() >= 3 && static_cast<double>(strange.count()) >= 0.2 * all && static_cast<double>(would_fit) >= 0.95 * all;
  }
};

class Checker {
 public:
  explicit Checker(const BoxCheckOptions& options) : options_(options), known_(options.classes) {
    if (const auto name = std::ranges::find_if(known_, is_background); name != known_.end())
      background_.add("\"" + *name + "\"", "the list of classes");
  }

  /// The part with the boxes that are left.
  Data check(const Data& data) {
    WithBoxes::Changed kept(data.size());
    paths_.clear();
    places_.clear();
    as_sides_ = as_corners_ = {};
    for (std::size_t i = 0; i < data.size() && problems_.size() < most_problems; ++i) {
      try {
        kept[i] = check(data.get(i));
      } catch (const DataError& error) {
        has_unreadable_ = true;
        problems_.insert(problems_.end(), error.problems().begin(), error.problems().end());
      }
    }
    if (const auto missing = missing_files(paths_, places_, "Boxes")) problems_.push_back(*missing);
    tell_forms();
    pictures_ += data.size();
    const bool is_changed = std::ranges::any_of(kept, [](const auto& boxes) { return boxes.has_value(); });
    return is_changed ? Data(std::make_shared<WithBoxes>(data, std::move(kept))) : data;
  }

  /// Classes seen so far are those that other parts may have.
  void close_classes() {
    if (known_.empty()) known_.assign(seen_.begin(), seen_.end());
  }

  BoxReport report(Splits splits) {
    if (background_.count() > 0) {
      mistake(background_, "graft-D055", "classes of objects are wanted, a class for the background is none",
              "Take it out: heads have a place for the background of themselves, and classes begin with the first object.");
    }
    if (unknown_.count() > 0) {
      mistake(unknown_, "graft-D054",
              "the classes " + quoted_list(known_) + " are wanted, " + std::to_string(unknown_.count()) + " boxes have others",
              did_you_mean(first_unknown_, known_, "Name the classes of all boxes, or take these out."));
    }
    const auto boxes = [](const Tally& tally) { return std::to_string(tally.count()) + (tally.count() == 1 ? " box " : " boxes "); };
    warning(empty_, "graft-W018", boxes(empty_) + "without an area dropped", "Mend the corners, x1 < x2 and y1 < y2, or take them out.");
    warning(outside_, "graft-W018", boxes(outside_) + "outside their pictures dropped", "Mend the corners, or take them out.");
    warning(clipped_, "graft-W019", boxes(clipped_) + "cut to their pictures", "Mend the corners, or leave it at that.");
    warning(other_sizes_, "graft-W020", std::to_string(other_sizes_.count()) + " pictures have another size than is said",
            "Check that the boxes belong to these files: they stand elsewhere in a picture that was scaled or turned.");
    warning(without_, "graft-W022", std::to_string(without_.count()) + " of " + std::to_string(pictures_) + " pictures have no box",
            "Leave them in if nothing is to be found there; if not, mark the objects.");
    if (!has_unreadable_) {
      for (Problem& repeat : repeated_pictures(splits)) report_.warnings.push_back(std::move(repeat));
    }
    for (const Problem& problem : report_.warnings) warn(problem);
    if (!problems_.empty()) throw DataError(problems_);
    report_.dropped = empty_.count() + outside_.count();
    report_.clipped = clipped_.count();
    report_.without_boxes = without_.count();
    report_.splits = std::move(splits);
    return std::move(report_);
  }

 private:
  /// The boxes that are left of it; nothing where they are as they were.
  std::optional<std::vector<GivenBox>> check(const Record& record) {
    paths_.push_back(record.text("image"));
    places_.push_back(record.place);
    const Size size = size_of(record, paths_.back());
    const std::vector<GivenBox> boxes = boxes_of(record);
    std::vector<GivenBox> left;
    const auto mended = [&] { return empty_.count() + outside_.count() + clipped_.count(); };
    const std::size_t before = mended();
    for (std::size_t b = 0; b < boxes.size(); ++b) {
      const std::string place = record.place + ", box " + std::to_string(b + 1);
      look(boxes[b], size, place);
      if (auto box = mend(boxes[b], size, place)) left.push_back(std::move(*box));
    }
    report_.boxes += boxes.size();
    if (left.empty()) without_.add(record.place, "");
    if (mended() == before) return std::nullopt;
    return left;
  }

  Size size_of(const Record& record, const std::string& path) {
    const auto given = [&](const char* field) { return record.has_value(field) ? record.number(field) : 0; };
    const Size said{given("width"), given("height")};
    std::error_code error;
    if (!options_.size_of || !std::filesystem::is_regular_file(path, error)) return said;
    const auto [height, width] = options_.size_of(path);
    const Size real{static_cast<double>(width), static_cast<double>(height)};
    if (said.is_known() && (said.width != real.width || said.height != real.height))
      other_sizes_.add(real.text() + ", not " + said.text(), record.place);
    return real;
  }

  /// Notes what can be said of a box as it was given.
  void look(const Box& box, const Size& size, const std::string& place) {
    const auto holds = [&](double x, double y) { return !size.is_known() || (x <= size.width + 1 && y <= size.height + 1); };
    as_sides_.look(box, box.x2 < box.x1 || box.y2<box.y1, box.x2> 0 && box.y2 > 0 && holds(box.x1 + box.x2, box.y1 + box.y2), place);
    const double width = box.x2 - box.x1, height = box.y2 - box.y1;
    as_corners_.look(box, !holds(box.x2, box.y2), width > box.x1 && height > box.y1 && holds(width, height), place);
    if (is_background(box.label)) {
      background_.add(text_of(box), place);
    } else if (!known_.empty() && std::ranges::find(known_, box.label) == known_.end()) {
      if (unknown_.count() == 0) first_unknown_ = box.label;
      unknown_.add(text_of(box), place);
    }
    if (!is_background(box.label)) seen_.insert(box.label);
  }

  /// The box, cut to its picture where it reaches beyond; nothing if none of it is left.
  std::optional<GivenBox> mend(GivenBox box, const Size& size, const std::string& place) {
    if (!has_area(box)) {
      empty_.add(text_of(box), place);
      return std::nullopt;
    }
    if (!size.is_known()) return box;
    GivenBox cut = box;
    cut.x1 = std::clamp(box.x1, 0.0, size.width);
    cut.x2 = std::clamp(box.x2, 0.0, size.width);
    cut.y1 = std::clamp(box.y1, 0.0, size.height);
    cut.y2 = std::clamp(box.y2, 0.0, size.height);
    if (!has_area(cut)) {
      outside_.add(text_of(box) + " in " + size.text(), place);
      return std::nullopt;
    }
    if (std::max({cut.x1 - box.x1, cut.y1 - box.y1, box.x2 - cut.x2, box.y2 - cut.y2}) <= slack) return box;
    clipped_.add(text_of(box) + " in " + size.text(), place);
    if (box.object_area == box.area()) cut.object_area = cut.area();
    return cut;
  }

  void tell_forms() {
    const auto tell = [&](const OtherForm& form, const std::string& is_wrong, const std::string& instead, const std::string& remedy) {
      if (!form.is_likely()) return;
      mistake(form.strange, "graft-D052",
              "corners x1, y1, x2, y2 are wanted; " + std::to_string(form.strange.count()) + " of " + std::to_string(form.boxes) +
                  " boxes " + is_wrong + ", and nearly all make sense as " + instead,
              remedy);
    };
    tell(as_sides_, "end before they begin", "x, y, width, height", "Write x + width and y + height for the second corner.");
    tell(as_corners_, "reach beyond their pictures", "corners to which x and y were added once more",
         "The file gives corners where its form has width and height: write x2 - x1 and y2 - y1 there.");
  }

  void mistake(const Tally& tally, const std::string& code, const std::string& message, const std::string& remedy) {
    problems_.push_back(tally.problem(code, "[Boxes] " + message, remedy));
  }

  void warning(const Tally& tally, const std::string& code, const std::string& message, const std::string& remedy) {
    if (tally.count() > 0) report_.warnings.push_back(tally.problem(code, "[Boxes] " + message, remedy));
  }

  const BoxCheckOptions& options_;
  std::vector<std::string> known_;
  std::set<std::string> seen_;
  std::string first_unknown_;
  std::vector<std::string> paths_, places_;
  std::size_t pictures_ = 0;
  bool has_unreadable_ = false;
  OtherForm as_sides_, as_corners_;
  Tally empty_, outside_, clipped_, other_sizes_, without_, background_, unknown_;
  std::vector<Problem> problems_;
  BoxReport report_;
};

}  // namespace

BoxReport check_boxes(const Splits& splits, const BoxCheckOptions& options) {
  Checker checker(options);
  Splits checked;
  checked.train = checker.check(splits.train);
  checker.close_classes();
  checked.valid = checker.check(splits.valid);
  checked.test = checker.check(splits.test);
  return checker.report(std::move(checked));
}

BoxReport check_boxes(const Data& data, const BoxCheckOptions& options) { return check_boxes(Splits{data, {}, {}}, options); }

}  // namespace graft::data
