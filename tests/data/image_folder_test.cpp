#include "graft/data/image_folder.h"

#include <filesystem>

#include "heard.h"
#include "support.h"

using namespace graft;

namespace {

namespace fs = std::filesystem;

/// Files of these names with a byte in each.
struct Folder {
  explicit Folder(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      fs::create_directories(fs::path(temp.file(name)).parent_path());
      test::write(temp.file(name), "x");
    }
  }
  test::TempDir temp;
};

}  // namespace

TEST_CASE("ImageFolder: a record for each picture, by class and path", "[image_folder]") {
  const Folder folder(
      {"dog/b.PNG", "dog/a.jpg", "cat/deep/er/z.jpeg", "cat/.hidden.jpg", ".cache/x.jpg", "cat/y.pgm", "README.txt", "cat/.h/q.jpg"});
  const Data data = data::image_folder(folder.temp.path());
  REQUIRE(data.size() == 4);
  CHECK(data.get(0).text("image") == folder.temp.file("cat/deep/er/z.jpeg"));
  CHECK(data.get(0).place == folder.temp.file("cat/deep/er/z.jpeg"));
  CHECK(data.get(1).text("image") == folder.temp.file("cat/y.pgm"));
  CHECK(data.get(2).text("image") == folder.temp.file("dog/a.jpg"));
  CHECK(data.get(3).text("image") == folder.temp.file("dog/b.PNG"));
  CHECK(data.labels("label") == std::vector<std::string>{"cat", "dog"});
}

TEST_CASE("ImageFolder: a key is that of the file, wherever it is found, and not of its label", "[image_folder]") {
  const Folder folder({"cat/a.jpg", "cat/b.jpg"});
  const std::string path = folder.temp.file("cat/a.jpg");
  const std::string before = data::image_folder(folder.temp.path()).key(0);
  CHECK(data::image_folder(folder.temp.path() + "/../" + fs::path(folder.temp.path()).filename().string()).key(0) == before);
  CHECK(data::image_folder(folder.temp.path()).key(1) != before);
  SECTION("another time") { fs::last_write_time(path, fs::last_write_time(path) + std::chrono::seconds(1)); }
  SECTION("another size") {
    const auto time = fs::last_write_time(path);
    test::write(path, "xy");
    fs::last_write_time(path, time);
  }
  CHECK(data::image_folder(folder.temp.path()).key(0) != before);
}

TEST_CASE("ImageFolder: files of other kinds and empty classes are warned of", "[image_folder]") {
  const Folder folder({"cat/a.jpg", "cat/notes.txt", "dog/b.gif", "dog/c.jpg", "cow/d.tif"});
  const test::Heard heard;
  const Data data = data::image_folder(folder.temp.path());
  const std::vector<std::string>& lines = heard.lines;
  CHECK(data.size() == 2);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "graft-W023: [ImageFolder] 3 files that are no pictures are passed over: cat/notes.txt; cow/d.tif; dog/b.gif. (" +
                        folder.temp.path() + ") Move them out, or convert them to JPEG or PNG.");
  CHECK(lines[1].starts_with("graft-W023: [ImageFolder] 1 class folders hold no picture, so that there is no such class: \"cow\"."));
}

TEST_CASE("ImageFolder: says what is wrong with a folder", "[image_folder][error]") {
  const auto problem = [](const std::string& path) {
    return test::error_of<DataError>([&] { data::image_folder(path); }).problems().front();
  };
  const Folder flat({"a.jpg"});
  CHECK(problem(flat.temp.path()).code == "graft-D056");
  CHECK(problem(flat.temp.path()).message ==
        "[ImageFolder] no class folders in \"" + flat.temp.path() + "\"; expected " + flat.temp.path() + "/<class>/<image>.");
  CHECK(problem(flat.temp.file("none")).message == "[Pictures] a folder is wanted, there is none of that name.");
  CHECK(problem(flat.temp.file("a.jpg")).message == "[Pictures] a folder is wanted, got a file.");
  const Folder parts({"train/cat/a.jpg", "val/cat/b.jpg"});
  CHECK(problem(parts.temp.path()).remedy == "Open it with vision_splits(), or name one of its parts.");
  const Folder none({"cat/a.txt"});
  CHECK(problem(none.temp.path()).code == "graft-D010");
}
