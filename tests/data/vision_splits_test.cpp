#include "graft/data/vision_splits.h"

#include <filesystem>

#include "support.h"

using namespace graft;

namespace {

namespace fs = std::filesystem;

/// A folder with files of these names.
struct Folder {
  explicit Folder(const std::vector<std::string>& names) {
    for (const std::string& name : names) write(name, name.ends_with(".xml") ? "<annotation/>" : "x");
  }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(temp.file(name)).parent_path());
    test::write(temp.file(name), text);
  }
  /// Records of the three parts.
  std::vector<std::size_t> sizes() const {
    const Splits splits = data::vision_splits(temp.path());
    return {splits.train.size(), splits.valid.size(), splits.test.size()};
  }
  test::TempDir temp;
};

using Sizes = std::vector<std::size_t>;

}  // namespace

TEST_CASE("vision_splits: folders of classes, with parts and without", "[vision_splits]") {
  CHECK(Folder({"cat/a.jpg", "cat/b.jpg", "dog/a.jpg"}).sizes() == Sizes{3, 0, 0});
  CHECK(Folder({"train/cat/a.jpg", "train/dog/a.jpg", "val/cat/b.jpg"}).sizes() == Sizes{2, 1, 0});
  CHECK(Folder({"train/cat/a.jpg", "valid/dog/a.jpg", "valid/cat/a.jpg", "test/cat/b.jpg"}).sizes() == Sizes{1, 2, 1});
  const Folder folder({"train/cat/a.jpg", "validation/dog/b.jpg"});
  CHECK(data::vision_splits(folder.temp.path()).valid.get(0).text("label") == "dog");
}

TEST_CASE("vision_splits: Pascal VOC by its lists", "[vision_splits]") {
  const Folder folder({"Annotations/a.xml", "Annotations/b.xml", "Annotations/c.xml", "JPEGImages/a.jpg"});
  CHECK(folder.sizes() == Sizes{3, 0, 0});
  folder.write("ImageSets/Main/test.txt", "c\n");
  CHECK(folder.sizes() == Sizes{0, 0, 1});
  folder.write("ImageSets/Main/trainval.txt", "a\nb\n");
  CHECK(folder.sizes() == Sizes{2, 0, 1});
  folder.write("ImageSets/Main/train.txt", "a\n");
  folder.write("ImageSets/Main/val.txt", "b\n");
  CHECK(folder.sizes() == Sizes{1, 1, 1});
  CHECK(data::vision_splits(folder.temp.path()).train.get(0).has("boxes"));
  CHECK(Folder({"train/Annotations/a.xml", "test/Annotations/b.xml"}).sizes() == Sizes{1, 0, 1});
}

TEST_CASE("vision_splits: a file of COCO", "[vision_splits]") {
  const Folder folder({});
  folder.write("boxes.json", R"({"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [], "categories": []})");
  CHECK(data::vision_splits(folder.temp.file("boxes.json")).train.get(0).text("image") == folder.temp.file("a.jpg"));
}

TEST_CASE("vision_splits: a folder as COCO is unpacked, pictures beside its annotations", "[vision_splits]") {
  const Folder folder({"train2017/a.jpg", "images/val2017/b.jpg", "c.jpg"});
  const auto annotate = [&](const std::string& part, const std::string& file) {
    folder.write("annotations/instances_" + part + ".json",
                 R"({"images": [{"id": 1, "file_name": ")" + file + R"("}], "annotations": [], "categories": []})");
  };
  const auto picture = [&](const Data& data) { return data.get(0).text("image"); };
  annotate("own", "a.jpg");
  folder.write("annotations/captions_train2017.json", "{}");
  CHECK(folder.sizes() == Sizes{1, 0, 0});
  annotate("train2017", "a.jpg");
  annotate("val2017", "b.jpg");
  CHECK(folder.sizes() == Sizes{1, 1, 0});
  annotate("test", "train2017/a.jpg");  // a name may hold its folder
  const Splits splits = data::vision_splits(folder.temp.path());
  CHECK(picture(splits.train) == folder.temp.file("train2017/a.jpg"));
  CHECK(picture(splits.valid) == folder.temp.file("images/val2017/b.jpg"));
  CHECK(picture(splits.test) == folder.temp.file("train2017/a.jpg"));
  CHECK(picture(data::vision_splits(folder.temp.file("annotations/instances_val2017.json")).train) == picture(splits.valid));
  annotate("train2014", "c.jpg");
  CHECK(test::error_of<DataError>([&] { data::vision_splits(folder.temp.path()); }).code() == "graft-D076");
}

TEST_CASE("vision_splits: what is none of them is told", "[vision_splits][error]") {
  const Folder folder({"a.txt"});
  const auto code = [&](const std::string& path) { return test::error_of<DataError>([&] { data::vision_splits(path); }).code(); };
  CHECK(code(folder.temp.file("a.txt")) == "graft-D067");
  CHECK(code(folder.temp.file("none")) == "graft-D002");
  CHECK(code(folder.temp.path()) == "graft-D056");
}
