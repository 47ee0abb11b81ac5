#include <filesystem>
#include <functional>

#include "core/file.h"
#include "graft/data/box_checks.h"
#include "graft/data/boxes.h"
#include "graft/data/coco.h"
#include "graft/data/vision_splits.h"
#include "graft/data/voc.h"
#include "support.h"

using namespace graft;

namespace {

namespace fs = std::filesystem;

/// The published blood cells, in a folder that can be damaged; its pictures are links.
struct Cells {
  Cells() {
    const fs::path source = fs::path(test::test_data("bccd/BCCD/ImageSets/Main/train.txt")).parent_path().parent_path().parent_path();
    for (const char* name : {"Annotations", "ImageSets/Main", "JPEGImages"}) fs::create_directories(temp.file(name));
    for (const char* name : {"Annotations", "ImageSets/Main"}) {
      for (const auto& entry : fs::directory_iterator(source / name))
        test::write(temp.file(std::string(name) + "/" + entry.path().filename().string()), read_file(entry.path().string()));
    }
    for (const auto& entry : fs::directory_iterator(source / "JPEGImages")) {
      fs::create_symlink(entry.path(), temp.file("JPEGImages/" + entry.path().filename().string()));
    }
  }

  std::string annotation(const std::string& id) const { return temp.file("Annotations/" + id + ".xml"); }
  std::string picture(const std::string& id) const { return temp.file("JPEGImages/" + id + ".jpg"); }
  std::string list(const std::string& part) const { return temp.file("ImageSets/Main/" + part + ".txt"); }

  /// Puts `after` where `before` stands first.
  void change(const std::string& path, const std::string& before, const std::string& after) const {
    std::string text = read_file(path);
    const std::size_t at = text.find(before);
    REQUIRE(at != std::string::npos);
    test::write(path, text.replace(at, before.size(), after));
  }

  /// All that is told of it, warnings first.
  std::vector<Problem> told() const {
    data::BoxCheckOptions options;
    options.size_of = [](const std::string&) { return std::pair(480L, 640L); };
    try {
      return data::check_boxes(data::vision_splits(temp.path()), options).warnings;
    } catch (const DataError& error) {
      return error.problems();
    }
  }

  test::TempDir temp;
};

/// Of the first object of BloodImage_00001, in training data.
std::string corner(const Cells& cells, const std::string& name) {
  const std::string text = read_file(cells.annotation("BloodImage_00001"));
  const std::size_t begin = text.find("<" + name + ">"), end = text.find("</" + name + ">");
  return text.substr(begin, end - begin);
}

struct Damage {
  std::string name;
  std::function<void(const Cells&)> make;
  std::string code;
  /// What its message or place must hold.
  std::string told;
};

const std::string one = "BloodImage_00001";

const std::vector<Damage> damages{
    {"a box without width", [](const Cells& c) { c.change(c.annotation(one), corner(c, "xmax"), "<xmax>" + corner(c, "xmin").substr(6)); },
     "graft-W018", "Annotations/BloodImage_00001.xml, box 1"},
    {"a box outside",
     [](const Cells& c) {
       c.change(c.annotation(one), corner(c, "xmin"), "<xmin>700"), c.change(c.annotation(one), corner(c, "xmax"), "<xmax>710");
     },
     "graft-W018", "in 640 x 480"},
    {"a box over the edge", [](const Cells& c) { c.change(c.annotation(one), corner(c, "xmax"), "<xmax>655"); }, "graft-W019",
     "BloodImage_00001.xml, box 1"},
    {"corners swapped",
     [](const Cells& c) {
       const std::string low = corner(c, "xmin").substr(6), high = corner(c, "xmax").substr(6);
       c.change(c.annotation(one), corner(c, "xmin"), "<xmin>" + high);
       c.change(c.annotation(one), corner(c, "xmax"), "<xmax>" + low);
     },
     "graft-W018", "BloodImage_00001.xml, box 1"},
    {"a picture that is gone", [](const Cells& c) { fs::remove(c.picture(one)); }, "graft-D053", "JPEGImages/BloodImage_00001.jpg"},
    {"a class with a slip, in validation data",
     [](const Cells& c) { c.change(c.annotation("BloodImage_00000"), "<name>WBC", "<name>WBCs"); }, "graft-D054",
     "BloodImage_00000.xml, box 1"},
    {"a class for the background", [](const Cells& c) { c.change(c.annotation(one), "<name>WBC", "<name>background"); }, "graft-D055",
     "BloodImage_00001.xml, box "},
    {"another size", [](const Cells& c) { c.change(c.annotation(one), "<width>640", "<width>320"); }, "graft-W020",
     "640 x 480, not 320 x 480"},
    {"a picture in two parts",
     [](const Cells& c) {
       fs::remove(c.picture("BloodImage_00000"));
       fs::copy_file(fs::read_symlink(c.picture(one)), c.picture("BloodImage_00000"));
     },
     "graft-W021", "JPEGImages/BloodImage_00000.jpg = "},
    {"an annotation without objects", [](const Cells& c) { test::write(c.annotation(one), "<annotation/>"); }, "graft-W022",
     "1 of 364 pictures"},
    {"an annotation cut short", [](const Cells& c) { test::write(c.annotation(one), read_file(c.annotation(one)).substr(0, 700)); },
     "graft-D058", "BloodImage_00001.xml:"},
    {"a coordinate that is no number", [](const Cells& c) { c.change(c.annotation(one), corner(c, "ymin"), "<ymin>top"); }, "graft-D061",
     "got \"top\""},
    {"a name without an annotation", [](const Cells& c) { c.change(c.list("train"), one, "BloodImage_99999"); }, "graft-D059",
     "Main/train.txt:1"},
    {"a name twice", [](const Cells& c) { c.change(c.list("val"), "BloodImage_00000", "BloodImage_00000\nBloodImage_00000"); },
     "graft-D060", "Main/val.txt:2"},
};

/// The published boxes, in training data, as `write` has them, with pictures of 640 x 480.
Data rewritten(const std::function<void(GivenBox&)>& write) {
  return data::voc(fs::path(test::test_data("bccd/BCCD/ImageSets/Main/train.txt")).parent_path().parent_path().parent_path().string(),
                   {.split = "train"})
      .map([write](Record record) {
        std::vector<GivenBox> boxes = boxes_of(record);
        for (GivenBox& box : boxes) write(box);
        set_boxes(record, boxes);
        return record;
      });
}

}  // namespace

TEST_CASE("check_boxes: the published cells have two boxes without an area", "[box_checks][data]") {
  const Cells cells;
  const data::BoxReport report = data::check_boxes(data::vision_splits(cells.temp.path()));
  CHECK(report.boxes == 2805 + 1138 + 945);
  CHECK(report.dropped == 2);
  CHECK(report.clipped == 0);
  CHECK(report.without_boxes == 0);
  REQUIRE(report.warnings.size() == 1);
  CHECK(report.warnings[0].code == "graft-W018");
  CHECK(report.warnings[0].message.find("2 boxes without an area dropped: \"") != std::string::npos);
  CHECK(report.warnings[0].message.find("BloodImage_00343.xml, box ") != std::string::npos);
  CHECK(report.warnings[0].message.find("BloodImage_00338.xml, box ") != std::string::npos);
  CHECK(report.splits.train.size() == 205);
}

TEST_CASE("check_boxes: damage to the published cells is found, with its place", "[box_checks][data][error]") {
  for (const Damage& damage : damages) {
    INFO(damage.name);
    const Cells cells;
    damage.make(cells);
    std::string all;
    bool is_found = false;
    for (const Problem& problem : cells.told()) {
      all += problem.code + " " + problem.message + " " + problem.place + "\n";
      is_found |= problem.code == damage.code && (problem.message + problem.place).find(damage.told) != std::string::npos;
    }
    INFO(all);
    CHECK(is_found);
  }
}

TEST_CASE("check_boxes: the published cells in other forms are found out", "[box_checks][data][error]") {
  const auto code = [](const Data& data) { return test::error_of<DataError>([&] { data::check_boxes(data); }).code(); };
  CHECK(code(rewritten([](GivenBox& box) { box.x2 -= box.x1, box.y2 -= box.y1; })) == "graft-D052");
  CHECK(code(rewritten([](GivenBox& box) { box.x2 += box.x1, box.y2 += box.y1; })) == "graft-D052");
}
