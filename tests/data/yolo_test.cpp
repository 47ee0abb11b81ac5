#include "graft/data/yolo.h"

#include <filesystem>

#include "graft/data/boxes.h"
#include "graft/data/vision_splits.h"
#include "heard.h"
#include "support.h"

using namespace graft;

namespace {

namespace fs = std::filesystem;

std::pair<std::int64_t, std::int64_t> size_of(const std::string&) { return {100, 200}; }

/// Two pictures of 200 x 100 in images/train, the first with labels, and a data.yaml.
struct Set {
  Set() {
    write("images/train/a.jpg", "x");
    write("images/train/b.png", "x");
    write("labels/train/a.txt", "1 0.5 0.5 0.25 0.5\n\n0 0.1 0.2 0.2 0.4 \r\n");
    write("data.yaml", "train: images/train  # pictures\nval: images/none\nnames:\n  0: cat\n  1: dog\n");
  }
  std::string write(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(temp.file(name)).parent_path());
    test::write(temp.file(name), text);
    return temp.file(name);
  }
  Data read(const std::string& name = "data.yaml") const { return data::yolo(temp.file(name), {.size_of = size_of}); }
  std::vector<Problem> problems(const std::string& name = "data.yaml") const {
    return test::error_of<DataError>([&] { read(name); }).problems();
  }
  test::TempDir temp;
};

}  // namespace

TEST_CASE("Yolo: boxes are shares of their pictures", "[yolo]") {
  const Set set;
  const Data data = set.read();
  REQUIRE(data.size() == 2);
  const Record a = data.get(0);
  CHECK(a.text("image") == set.temp.file("images/train/a.jpg"));
  CHECK(a.number("width") == 200);
  CHECK(a.number("height") == 100);
  const auto boxes = boxes_of(a);
  REQUIRE(boxes.size() == 2);
  CHECK(boxes[0].label == "dog");
  CHECK(std::tuple(boxes[0].x1, boxes[0].y1, boxes[0].x2, boxes[0].y2) == std::tuple(75, 25, 125, 75));
  CHECK(boxes[0].object_area == 2500);
  CHECK(boxes[1].label == "cat");
  CHECK(boxes[1].x1 == Approx(0).margin(1e-12));
  CHECK(boxes_of(data.get(1)).empty());
}

TEST_CASE("Yolo: folders, lists, labels beside pictures, names in other places", "[yolo]") {
  const Set set;
  set.write("list.txt", "./images/train/b.png\n\nimages/train/a.jpg\n");
  set.write("labels/classes.txt", "one\ntwo\n");
  const Data list = set.read("list.txt");
  REQUIRE(list.size() == 2);
  CHECK(list.get(0).text("image") == set.temp.file("images/train/b.png"));
  CHECK(boxes_of(list.get(1))[0].label == "two");
  CHECK(set.read("images").size() == 2);
  set.write("flat/c.jpg", "x");
  set.write("flat/c.txt", "0 0.5 0.5 1 1");
  CHECK(boxes_of(data::yolo(set.temp.file("flat"), {.size_of = size_of, .names = {"cow"}}).get(0))[0].label == "cow");
  const fs::path before = fs::current_path();
  fs::current_path(set.temp.path());
  const Data relative = data::yolo("images", {.size_of = size_of});
  fs::current_path(before);
  CHECK(boxes_of(relative.get(0)).size() == 2);
  set.write("train/images/d.jpg", "x");
  set.write("sub/data.yaml", "path: ..\ntrain: [images/train, flat]\nnames: [cat, dog]\nnc: 2\n");
  CHECK(set.read("sub/data.yaml").size() == 3);
  set.write("other.yaml", "train: ../train/images\nnames: [cat]");
  CHECK(set.read("other.yaml").size() == 1);
}

TEST_CASE("Yolo: of an outline the box around it is taken, and said once", "[yolo]") {
  const Set set;
  set.write("labels/train/a.txt", "1 0.5 0.5 0.25 0.5\n0 0.1 0.2 0.4 0.2 0.25 0.8\n0 0 0 0.5 0 0.5 0.5 0 0.5\n");
  const test::Heard heard;
  const auto boxes = boxes_of(set.read().get(0));
  REQUIRE(boxes.size() == 3);
  CHECK(boxes[0].object_area == boxes[0].area());
  CHECK(boxes[1].label == "cat");
  CHECK(boxes[1].x1 == Approx(20));
  CHECK(boxes[1].y1 == Approx(20));
  CHECK(boxes[1].x2 == Approx(80));
  CHECK(boxes[1].y2 == Approx(80));
  CHECK(boxes[1].object_area == Approx(60 * 60 / 2));  // a triangle
  CHECK(boxes[2].object_area == Approx(100 * 50));
  REQUIRE(heard.lines.size() == 1);
  CHECK(heard.with("graft-W025").find("2 objects are outlines") != std::string::npos);
}

TEST_CASE("vision_splits: a data.yaml with its parts", "[vision_splits]") {
  const Set set;
  set.write("images/val/c.jpg", "x");
  set.write("data.yaml", "train: images/train\nval: images/val\ntest:\nnames: [cat, dog]\n");
  const Splits splits = data::vision_splits(set.temp.file("data.yaml"), {.size_of = size_of});
  CHECK(splits.train.size() == 2);
  CHECK(splits.valid.size() == 1);
  CHECK(splits.test.empty());
}

TEST_CASE("Yolo: lines that are no boxes are told together, with their places", "[yolo][error]") {
  const Set set;
  set.write("labels/train/a.txt",
            "0 0.5 0.5 0.1\n2 0.5 0.5 0.1 0.1\n0 0.5 0.5 1.5 0.1\ncat 0.5 0.5 0.1 0.1\n0 0 0 1 0 1 1 0\n0 0.5 x 0.1 0.1\n");
  const auto problems = set.problems();
  REQUIRE(problems.size() == 6);
  for (const Problem& problem : problems) CHECK(problem.code == "graft-D064");
  CHECK(problems[0].message ==
        "[Yolo] a class and four shares of the picture in [0, 1], or an outline, are wanted, got \"0 0.5 0.5 0.1\".");
  CHECK(problems[0].place == set.temp.file("labels/train/a.txt:1"));
  CHECK(problems[1].message == "[Yolo] a class from 0 to 1 is wanted, got \"2\".");
  CHECK(problems[3].message == "[Yolo] a class from 0 to 1 is wanted, got \"cat\".");
  CHECK(problems[5].place == set.temp.file("labels/train/a.txt:6"));
}

TEST_CASE("Yolo: files that are none, and pictures that are not there", "[yolo][error]") {
  const Set set;
  const auto problem = [&](const std::string& yaml) {
    set.write("data.yaml", yaml);
    return set.problems().front();
  };
  CHECK(problem("train: images/train\n").message == "[Yolo] \"names\" are wanted in the file, there are none.");
  CHECK(problem("names: [a\ntrain: [").place.starts_with(set.temp.file("data.yaml:")));
  CHECK(problem("names: {0: a, 2: b}\ntrain: images/train").message == "[Yolo] a name for each class from 0 on is wanted, 1 has none.");
  CHECK(problem("names: {x: a}\ntrain: images/train").code == "graft-D065");
  CHECK(problem("names: a\ntrain: images/train").code == "graft-D065");
  CHECK(problem("- a").code == "graft-D065");
  CHECK(problem("names: [a]").message == "[Yolo] pictures are wanted in \"train\", which the file does not name.");
  CHECK(problem("names: [a]\ntrain: images/non").code == "graft-D057");
  set.write("list.txt", "no.jpg\nimages/train/a.jpg\n");
  CHECK(set.problems("list.txt").front().code == "graft-D053");
  CHECK(set.problems("list.txt").front().place == set.temp.file("list.txt:1"));
  CHECK(set.problems("images").front().message ==
        "[Yolo] names of the classes are wanted, in data.yaml, in classes.txt or in .names; there are none.");
  CHECK(test::error_of<DataError>([&] { data::yolo(set.temp.file("data.yaml"), {}); }).code() == "graft-D069");
}
