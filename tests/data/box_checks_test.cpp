#include "graft/data/box_checks.h"

#include <cmath>

#include "graft/data/boxes.h"
#include "graft/data/records.h"
#include "heard.h"
#include "support.h"

using namespace graft;

namespace {

/// Pictures of 100 x 80, "p1" and so on, each in a file of its own.
struct Pictures {
  Data of(const std::vector<std::vector<GivenBox>>& pictures) {
    std::vector<Record> records;
    for (const auto& boxes : pictures) {
      const std::string name = "p" + std::to_string(++number);
      test::write(folder.file(name), name);
      records.push_back({{{"image", folder.file(name)}, {"width", std::int64_t{100}}, {"height", std::int64_t{80}}}, name});
      set_boxes(records.back(), boxes);
    }
    return data::records(records);
  }
  test::TempDir folder;
  int number = 0;
};

GivenBox box(double x1, double y1, double x2, double y2, const std::string& label = "cat") {
  GivenBox given{{x1, y1, x2, y2, label}};
  given.object_area = given.area();
  return given;
}

std::vector<Problem> problems_of(const Data& data, const data::BoxCheckOptions& options = {}) {
  return test::error_of<DataError>([&] { data::check_boxes(data, options); }).problems();
}

}  // namespace

TEST_CASE("check_boxes: sound boxes come back as they are", "[box_checks]") {
  Pictures pictures;
  const Data data = pictures.of({{box(0, 0, 100, 80), box(1, 1, 2, 2)}, {box(5, 5, 100.005, 20)}});
  const data::BoxReport report = data::check_boxes(data);
  CHECK(report.warnings.empty());
  CHECK(report.boxes == 3);
  CHECK(boxes_of(report.splits.train.get(1))[0].x2 == 100.005);  // rounding
  CHECK(report.splits.train.key(0) == data.key(0));
}

TEST_CASE("check_boxes: what can be mended is, and told with places", "[box_checks]") {
  Pictures pictures;
  GivenBox hidden = box(90, 70, 110, 90);
  hidden.ignored = true;
  hidden.object_area = 33;
  const Data data = pictures.of({{box(10, 10, 10, 20), box(1, 1, 5, 5), box(NAN, 0, 4, 4)},
                                 {box(-5, 10, 20.5, 20), hidden, box(20, 30, 15, 40), box(2, 5, 3, 5)},
                                 {box(100, 0, 120, 10)},
                                 {}});
  const test::Heard heard;
  const data::BoxReport report = data::check_boxes(data);
  CHECK(report.boxes == 8);
  CHECK(report.dropped == 5);
  CHECK(report.clipped == 2);
  CHECK(report.without_boxes == 2);
  REQUIRE(report.warnings.size() == 4);
  CHECK(report.warnings[0].code == "graft-W018");
  CHECK(report.warnings[0].message ==
        "[Boxes] 4 boxes without an area dropped: \"cat\" [10, 10, 10, 20] (p1, box 1); \"cat\" [nan, 0, 4, 4] (p1, box 3); "
        "\"cat\" [20, 30, 15, 40] (p2, box 3); ...");
  CHECK(report.warnings[0].place == "p1, box 1");
  CHECK(report.warnings[1].message == "[Boxes] 1 box outside their pictures dropped: \"cat\" [100, 0, 120, 10] in 100 x 80 (p3, box 1).");
  CHECK(report.warnings[2].code == "graft-W019");
  CHECK(report.warnings[2].message ==
        "[Boxes] 2 boxes cut to their pictures: \"cat\" [-5, 10, 20.50, 20] in 100 x 80 (p2, box 1); "
        "\"cat\" [90, 70, 110, 90] in 100 x 80 (p2, box 2).");
  CHECK(report.warnings[3].code == "graft-W022");
  CHECK(report.warnings[3].message == "[Boxes] 2 of 4 pictures have no box: p3; p4.");
  CHECK(heard.lines.size() == 4);

  const auto first = boxes_of(report.splits.train.get(0)), second = boxes_of(report.splits.train.get(1));
  REQUIRE(first.size() == 1);
  CHECK(first[0].x2 == 5);
  REQUIRE(second.size() == 2);
  CHECK(second[0].x1 == 0);
  CHECK(second[0].object_area == 205);
  CHECK(second[1].x2 == 100);
  CHECK(second[1].y2 == 80);
  CHECK(second[1].ignored);
  CHECK(second[1].object_area == 33);
  CHECK(report.splits.train.get(0).text("image") == data.get(0).text("image"));
  CHECK(report.splits.train.key(0) == data.key(0));
  CHECK(report.splits.train.get(2).place == "p3");
  CHECK(boxes_of(report.splits.train.get(2)).empty());
}

TEST_CASE("check_boxes: sizes are those of the files where they can be read", "[box_checks]") {
  Pictures pictures;
  const Data data = pictures.of({{box(0, 0, 90, 70)}, {box(0, 0, 10, 10)}});
  const data::BoxReport report = data::check_boxes(
      data, {.size_of = [](const std::string& path) { return path.ends_with("p1") ? std::pair(60L, 120L) : std::pair(80L, 100L); }});
  REQUIRE(report.warnings.size() == 2);
  CHECK(report.warnings[0].code == "graft-W019");
  CHECK(report.warnings[1].code == "graft-W020");
  CHECK(report.warnings[1].message == "[Boxes] 1 pictures have another size than is said: 120 x 60, not 100 x 80 (p1).");
  CHECK(boxes_of(report.splits.train.get(0))[0].y2 == 60);
}

TEST_CASE("check_boxes: boxes in another form are told, single ones out of order are not", "[box_checks][error]") {
  Pictures pictures;
  std::vector<std::vector<GivenBox>> corners, sides, added;
  for (int i = 0; i < 10; ++i) {
    const double x = 7 * i, y = 5 * i;
    corners.push_back({box(x, y, x + 20, y + 25)});
    sides.push_back({box(x, y, 20, 25)});
    added.push_back({box(x, y, x + x + 20, y + y + 25)});
  }
  CHECK(data::check_boxes(pictures.of(corners)).warnings.empty());
  const auto as_sides = problems_of(pictures.of(sides));
  REQUIRE(as_sides.size() == 1);
  CHECK(as_sides[0].code == "graft-D052");
  CHECK(as_sides[0].message.starts_with(
      "[Boxes] corners x1, y1, x2, y2 are wanted; 7 of 10 boxes end before they begin, and nearly all make sense as x, "
      "y, width, height: \"cat\" [21, 15, 20, 25] (p14, box 1);"));
  const auto as_corners = problems_of(pictures.of(added));
  REQUIRE(as_corners.size() == 1);
  CHECK(as_corners[0].code == "graft-D052");
  CHECK(as_corners[0].message.find("4 of 10 boxes reach beyond their pictures, and nearly all make sense as corners") != std::string::npos);
  for (auto& boxes : corners) std::swap(boxes[0].y1, boxes[0].y2);  // most of these fit in neither form
  CHECK(data::check_boxes(pictures.of(corners)).dropped == 10);
  for (auto& boxes : corners) std::swap(boxes[0].y1, boxes[0].y2);
  std::swap(corners[3][0].x1, corners[3][0].x2);
  CHECK(data::check_boxes(pictures.of(corners)).dropped == 1);
}

TEST_CASE("check_boxes: missing files, unknown classes and the background are told at once", "[box_checks][error]") {
  Pictures pictures;
  const Data train = pictures.of({{box(0, 0, 9, 9), box(0, 0, 9, 9, "dog")}, {box(0, 0, 9, 9, "__background__")}});
  const Data valid = pictures.of({{box(0, 0, 9, 9, "catt"), box(0, 0, 9, 9, "dog")}, {box(0, 0, 9, 9, "cow")}});
  std::filesystem::remove(pictures.folder.file("p2"));
  std::filesystem::remove(pictures.folder.file("p3"));
  const auto problems = test::error_of<DataError>([&] { data::check_boxes(Splits{train, valid, {}}); }).problems();
  REQUIRE(problems.size() == 4);
  CHECK(problems[0].code == "graft-D053");
  CHECK(problems[0].message ==
        "[Boxes] a file is wanted for each of 2 pictures, 1 are not there: \"" + pictures.folder.file("p2") + "\" (p2).");
  CHECK(problems[1].code == "graft-D053");
  CHECK(problems[2].code == "graft-D055");
  CHECK(problems[2].message ==
        "[Boxes] classes of objects are wanted, a class for the background is none: \"__background__\" [0, 0, 9, 9] (p2, box 1).");
  CHECK(problems[3].code == "graft-D054");
  CHECK(problems[3].message ==
        "[Boxes] the classes \"cat\", \"dog\" are wanted, 2 boxes have others: \"catt\" [0, 0, 9, 9] (p3, box 1); "
        "\"cow\" [0, 0, 9, 9] (p4, box 1).");
  CHECK(problems[3].remedy == "Did you mean \"cat\"?");
}

TEST_CASE("check_boxes: a list of classes rules all parts", "[box_checks][error]") {
  Pictures pictures;
  const Data data = pictures.of({{box(0, 0, 9, 9, "dog")}});
  CHECK(data::check_boxes(data, {.classes = {"dog", "cat"}}).warnings.empty());
  CHECK(problems_of(data, {.classes = {"cat"}})[0].code == "graft-D054");
  CHECK(problems_of(data, {.classes = {"background", "dog"}})[0].message ==
        "[Boxes] classes of objects are wanted, a class for the background is none: \"background\" (the list of classes).");
  const std::vector<Record> records{{{{"image", pictures.folder.file("p1")}}, "one"}, {{}, "two"}};
  const auto bare = problems_of(data::records(records));
  REQUIRE(bare.size() == 2);
  CHECK(bare[0].code == "graft-D047");
  CHECK(bare[1].place == "two");
  CHECK(problems_of(data, {.size_of = [](const std::string& path) -> std::pair<std::int64_t, std::int64_t> {
                      throw DataError({.code = "graft-D001", .message = "broken", .remedy = "", .place = path});
                    }})[0]
            .message == "broken");
}
