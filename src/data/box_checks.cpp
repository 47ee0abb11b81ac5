#include "graft/data/box_checks.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>
#include <set>

#include "core/names.h"
#include "core/warning.h"
#include "data/ascii.h"
#include "data/box_forms.h"
#include "data/box_mender.h"
#include "data/pictures.h"
#include "data/tally.h"
#include "graft/data/boxes.h"
#include "graft/data/repeated_pictures.h"

namespace graft::data {
namespace {

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

bool is_background(const std::string& label) {
  std::string name = lower_ascii(label);
  std::erase(name, '_');
  return name == "background";
}

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
    forms_ = {};
    for (std::size_t i = 0; i < data.size() && problems_.size() < most_problems; ++i) {
      try {
        kept[i] = check(data.get(i));
      } catch (const DataError& error) {
        has_unreadable_ = true;
        problems_.insert(problems_.end(), error.problems().begin(), error.problems().end());
      }
    }
    if (const auto missing = missing_files(paths_, places_, "Boxes")) problems_.push_back(*missing);
    std::ranges::move(forms_.problems(), std::back_inserter(problems_));
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
    report_.warnings = mend_.warnings();
    warning(other_sizes_, "graft-W020", std::to_string(other_sizes_.count()) + " pictures have another size than is said",
            "Check that the boxes belong to these files: they stand elsewhere in a picture that was scaled or turned.");
    warning(without_, "graft-W022", std::to_string(without_.count()) + " of " + std::to_string(pictures_) + " pictures have no box",
            "Leave them in if nothing is to be found there; if not, mark the objects.");
    if (!has_unreadable_) {
      for (Problem& repeat : repeated_pictures(splits)) report_.warnings.push_back(std::move(repeat));
    }
    for (const Problem& problem : report_.warnings) warn(problem);
    if (!problems_.empty()) throw DataError(problems_);
    report_.dropped = mend_.dropped();
    report_.clipped = mend_.clipped();
    report_.without_boxes = without_.count();
    report_.splits = std::move(splits);
    return std::move(report_);
  }

 private:
  /// The boxes that are left of it; nothing where they are as they were.
  std::optional<std::vector<GivenBox>> check(const Record& record) {
    paths_.push_back(record.text("image"));
    places_.push_back(record.place);
    const Extent size = size_of(record, paths_.back());
    const std::vector<GivenBox> boxes = boxes_of(record);
    std::vector<GivenBox> left;
    const auto mended = [&] { return mend_.dropped() + mend_.clipped(); };
    const std::size_t before = mended();
    for (std::size_t b = 0; b < boxes.size(); ++b) {
      const std::string place = record.place + ", box " + std::to_string(b + 1);
      forms_.look(boxes[b], size, place);
      look_at_class(boxes[b], place);
      if (auto box = mend_(boxes[b], size, place)) left.push_back(std::move(*box));
    }
    report_.boxes += boxes.size();
    if (left.empty()) without_.add(record.place, "");
    if (mended() == before) return std::nullopt;
    return left;
  }

  Extent size_of(const Record& record, const std::string& path) {
    const auto given = [&](const char* field) { return record.has_value(field) ? record.number(field) : 0; };
    const Extent said{given("width"), given("height")};
    std::error_code error;
    if (!options_.size_of || !std::filesystem::is_regular_file(path, error)) return said;
    const auto [height, width] = options_.size_of(path);
    const Extent real{static_cast<double>(width), static_cast<double>(height)};
    if (said.is_known() && (said.width != real.width || said.height != real.height))
      other_sizes_.add(real.text() + ", not " + said.text(), record.place);
    return real;
  }

  void look_at_class(const Box& box, const std::string& place) {
    if (is_background(box.label)) {
      background_.add(text_of(box), place);
    } else if (!known_.empty() && std::ranges::find(known_, box.label) == known_.end()) {
      if (unknown_.count() == 0) first_unknown_ = box.label;
      unknown_.add(text_of(box), place);
    }
    if (!is_background(box.label)) seen_.insert(box.label);
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
  BoxForms forms_;
  BoxMender mend_;
  Tally other_sizes_, without_, background_, unknown_;
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
