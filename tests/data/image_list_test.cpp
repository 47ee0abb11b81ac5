#include "graft/data/image_list.h"

#include <filesystem>

#include "support.h"

using namespace graft;

namespace {

struct Folder {
  Folder() {
    std::filesystem::create_directory(temp.file("in"));
    for (const char* name : {"a.jpg", "b.jpg", "in/c.jpg"}) test::write(temp.file(name), name);
  }
  std::string list(const std::string& name, const std::string& text) const {
    test::write(temp.file(name), text);
    return temp.file(name);
  }
  test::TempDir temp;
};

}  // namespace

TEST_CASE("ImageList: paths start at the list, in tables of any kind", "[image_list]") {
  const Folder folder;
  const Data csv = data::image_list(folder.list("l.csv", "label,image\ncat,a.jpg\ndog,in/c.jpg\ncow," + folder.temp.file("b.jpg") + "\n"));
  REQUIRE(csv.size() == 3);
  CHECK(csv.get(0).text("image") == folder.temp.file("a.jpg"));
  CHECK(csv.get(1).text("image") == folder.temp.file("in/c.jpg"));
  CHECK(csv.get(2).text("image") == folder.temp.file("b.jpg"));
  CHECK(csv.get(1).text("label") == "dog");
  CHECK(csv.get(1).place == "l.csv:3");
  CHECK(data::image_list(folder.list("l.tsv", "path\tlabel\nb.jpg\tcat\n")).get(0).text("image") == folder.temp.file("b.jpg"));
  CHECK(data::image_list(folder.list("l.jsonl", R"({"file": "c.jpg", "label": 3})"), {.folder = folder.temp.file("in")})
            .get(0)
            .text("image") == folder.temp.file("in/c.jpg"));
  CHECK(data::image_list(folder.list("m.csv", "image,photo\nno.jpg,a.jpg\n"), {.column = "photo"}).get(0).text("image") ==
        folder.temp.file("a.jpg"));
}

TEST_CASE("ImageList: a key knows the file's time", "[image_list]") {
  const Folder folder;
  const std::string path = folder.list("l.csv", "image,words\na.jpg,one\na.jpg,two\n");
  const std::string before = data::image_list(path).key(0);
  CHECK(data::image_list(path).key(0) == before);
  CHECK(data::image_list(path).key(1) != before);
  const std::string file = folder.temp.file("a.jpg");
  std::filesystem::last_write_time(file, std::filesystem::last_write_time(file) + std::chrono::seconds(2));
  CHECK(data::image_list(path).key(0) != before);
}

TEST_CASE("ImageList: missing files and columns are told", "[image_list][error]") {
  const Folder folder;
  const auto problem = [&](const std::string& text, const data::ImageListOptions& options = {}) {
    return test::error_of<DataError>([&] { data::image_list(folder.list("l.csv", text), options); }).problems().front();
  };
  const Problem missing = problem("image\na.jpg\n1.jpg\n2.jpg\n3.jpg\n4.jpg\n\"\"\n");
  CHECK(missing.code == "graft-D053");
  CHECK(missing.message == "[ImageList] a file is wanted for each of 6 pictures, 5 are not there: \"" + folder.temp.file("1.jpg") +
                               "\" (l.csv:3); \"" + folder.temp.file("2.jpg") + "\" (l.csv:4); \"" + folder.temp.file("3.jpg") +
                               "\" (l.csv:5); ...");
  CHECK(missing.place == "l.csv:3");
  CHECK(problem("imagee,label\na.jpg,x\n").code == "graft-D068");
  CHECK(problem("imagee,label\na.jpg,x\n").remedy == "Did you mean \"imagee\"?");
  CHECK(problem("image,label\na.jpg,x\n", {.column = "photo"}).message ==
        "[ImageList] a column of paths \"photo\" is wanted; the file has: \"image\", \"label\".");
}
