#include "graft/data/voc.h"

#include <filesystem>

#include "graft/data/boxes.h"
#include "support.h"

using namespace graft;

namespace {

namespace fs = std::filesystem;

std::string object(const std::string& label, const std::string& x1, const std::string& y1, const std::string& x2, const std::string& y2,
                   const std::string& more = "") {
  return "<object>\n<name>" + label + "</name>" + more + "<bndbox><xmin>" + x1 + "</xmin><ymin>" + y1 + "</ymin><xmax>" + x2 +
         "</xmax><ymax>" + y2 + "</ymax></bndbox></object>\n";
}

std::string annotation(const std::string& file, const std::string& objects) {
  return "<annotation>\n<filename>" + file + "</filename><size><width>40</width><height>30</height></size>\n" + objects + "</annotation>\n";
}

/// A folder with one annotation, a.xml, which is listed in the training part.
struct Set {
  Set() {
    for (const char* name : {"Annotations", "JPEGImages", "ImageSets/Main"}) fs::create_directories(temp.file(name));
    write("JPEGImages/a.jpg", "x");
    write("Annotations/a.xml", annotation("a.jpg", object("cat", "1", "2", "11", "22.5")));
    write("ImageSets/Main/train.txt", "a\n");
  }
  void write(const std::string& name, const std::string& text) const { test::write(temp.file(name), text); }
  std::vector<Problem> problems(const std::string& split = "") const {
    return test::error_of<DataError>([&] { data::voc(temp.path(), {.split = split}); }).problems();
  }
  test::TempDir temp;
};

}  // namespace

TEST_CASE("Voc: a record for each annotation, coordinates as they stand", "[voc]") {
  const Set set;
  set.write("Annotations/b.xml",
            annotation("b", object("dog", " 0 ", "0", "4e1", "30", "<difficult>1</difficult>") +
                                object("cat", "1", "1", "2", "2", "<difficult>0</difficult><part><name>ear</name><bndbox/></part>")));
  set.write("JPEGImages/b.png", "x");
  set.write("Annotations/c.xml", "<annotation/>");
  const Data data = data::voc(set.temp.path());
  REQUIRE(data.size() == 3);
  const Record a = data.get(0), b = data.get(1), c = data.get(2);
  CHECK(a.place == set.temp.file("Annotations/a.xml"));
  CHECK(a.text("image") == set.temp.file("JPEGImages/a.jpg"));
  CHECK(a.number("width") == 40);
  CHECK(a.number("height") == 30);
  const auto boxes = boxes_of(a);
  REQUIRE(boxes.size() == 1);
  CHECK(boxes[0].label == "cat");
  CHECK(std::tuple(boxes[0].x1, boxes[0].y1, boxes[0].x2, boxes[0].y2) == std::tuple(1, 2, 11, 22.5));
  CHECK(boxes[0].object_area == 205);
  CHECK_FALSE(boxes[0].ignored);
  CHECK(b.text("image") == set.temp.file("JPEGImages/b.png"));
  REQUIRE(boxes_of(b).size() == 2);
  CHECK(boxes_of(b)[0].ignored);
  CHECK(boxes_of(b)[0].x2 == 40);
  CHECK_FALSE(boxes_of(b)[1].ignored);
  CHECK(boxes_of(c).empty());
  CHECK_FALSE(c.has("width"));
  CHECK(c.text("image") == set.temp.file("JPEGImages/c.jpg"));
}

TEST_CASE("Voc: a list names its pictures, and folders may be others", "[voc]") {
  const Set set;
  set.write("Annotations/b.xml", annotation("b.jpg", ""));
  set.write("ImageSets/Main/val.txt", "\nb  1\r\n  a -1\n");
  const Data data = data::voc(set.temp.path(), {.split = "val", .images = "pictures"});
  REQUIRE(data.size() == 2);
  CHECK(data.get(0).text("image") == "pictures/b.jpg");
  CHECK(data.get(1).text("image") == "pictures/a.jpg");
  CHECK(data::voc(set.temp.path(), {.split = "train"}).size() == 1);
  CHECK(data::voc(set.temp.file("Annotations")).get(0).text("image") == set.temp.file("JPEGImages/a.jpg"));
}

TEST_CASE("Voc: what is wrong with lists and annotations is told at once, with file and line", "[voc][error]") {
  const Set set;
  set.write("Annotations/b.xml", "<annotation>\n<object>\n</annotation>");
  set.write("Annotations/c.xml", annotation("c.jpg", object("cat", "1", "2", "3", "4") + object("", "one", "", "nan", "7px")));
  set.write("Annotations/d.xml", "<html/>");
  set.write("Annotations/e.xml", "");
  set.write("ImageSets/Main/train.txt", "a\nb\nc\nd\nno\na\ne\n");
  const auto problems = set.problems("train");
  REQUIRE(problems.size() == 10);
  CHECK(problems[0].code == "graft-D058");
  CHECK(problems[0].message == "[Voc] XML is wanted, got something else: Start-end tags mismatch.");
  CHECK(problems[0].place == set.temp.file("Annotations/b.xml:3"));
  CHECK(problems[1].message == "[Voc] a class is wanted in the object's <name>, there is none.");
  CHECK(problems[2].code == "graft-D061");
  CHECK(problems[2].message == "[Voc] a number is wanted in <xmin> of an object's <bndbox>, got \"one\".");
  CHECK(problems[2].place == set.temp.file("Annotations/c.xml:5"));
  CHECK(problems[3].message == "[Voc] a number is wanted in <ymin> of an object's <bndbox>, got \"\".");
  CHECK(problems[4].message == "[Voc] a number is wanted in <xmax> of an object's <bndbox>, got \"nan\".");
  CHECK(problems[5].message == "[Voc] a number is wanted in <ymax> of an object's <bndbox>, got \"7px\".");
  CHECK(problems[6].message == "[Voc] <annotation> is wanted, got <html>.");
  CHECK(problems[7].code == "graft-D059");
  CHECK(problems[7].message == "[Voc] an annotation \"" + set.temp.file("Annotations/no.xml") + "\" is wanted, there is none.");
  CHECK(problems[7].place == set.temp.file("ImageSets/Main/train.txt:5"));
  CHECK(problems[8].code == "graft-D060");
  CHECK(problems[8].message == "[Voc] \"a\" is wanted once, line 1 has it too.");
  CHECK(problems[8].place == set.temp.file("ImageSets/Main/train.txt:6"));
  CHECK(problems[9].place == set.temp.file("Annotations/e.xml:1"));
}

TEST_CASE("Voc: folders and lists that are not there", "[voc][error]") {
  const Set set;
  CHECK(set.problems("vall")[0].remedy.starts_with("Relative paths"));
  CHECK(set.problems("trian")[0].remedy == "Did you mean \"train.txt\"?");
  CHECK(test::error_of<DataError>([&] { data::voc(set.temp.file("none")); }).code() == "graft-D057");
  CHECK(test::error_of<DataError>([&] { data::voc(set.temp.file("JPEGImages")); }).code() == "graft-D010");
  set.write("ImageSets/Main/train.txt", "\n");
  CHECK(set.problems("train")[0].code == "graft-D010");
}

TEST_CASE("Voc: the published cells read", "[voc][data]") {
  const std::string root =
      fs::path(test::test_data("bccd/BCCD/ImageSets/Main/train.txt")).parent_path().parent_path().parent_path().string();
  const Data train = data::voc(root, {.split = "train"});
  CHECK(train.size() == 205);
  CHECK(data::voc(root, {.split = "val"}).size() == 87);
  CHECK(data::voc(root, {.split = "test"}).size() == 72);
  std::size_t boxes = 0;
  for (std::size_t i = 0; i < train.size(); ++i) {
    const Record record = train.get(i);
    REQUIRE(fs::is_regular_file(record.text("image")));
    REQUIRE(record.number("width") == 640);
    REQUIRE(record.number("height") == 480);
    boxes += boxes_of(record).size();
  }
  CHECK(boxes == 2805);
}
