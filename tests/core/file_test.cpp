#include "core/file.h"

#include <algorithm>
#include <filesystem>

#include "core/json.h"
#include "file_size_limit.h"
#include "support.h"

using namespace graft;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("File: what was written atomically is read back, and nothing lies beside it", "[core]") {
  const test::TempDir folder;
  const std::string content("a\0b\r\n\xFF", 6);
  write_file_atomically(folder.file("x"), content);
  CHECK(read_file(folder.file("x")) == content);
  write_file_atomically(folder.file("x"), "shorter");
  CHECK(read_file(folder.file("x")) == "shorter");
  write_file_atomically(folder.file("empty"), "");
  CHECK(read_file(folder.file("empty")).empty());
  CHECK(names_in(folder.path()) == std::vector<std::string>{"empty", "x"});
}

TEST_CASE("File: what is appended is there whole or not at all, and a new file is new", "[core]") {
  const test::TempDir folder;
  const std::string path = folder.file("log");
  append_to_file(path, "one\n");
  append_to_file(path, "two\n");
  CHECK(read_file(path) == "one\ntwo\n");
  {
    const test::FileSizeLimit full(10);
    CHECK(test::error_of<SystemError>([&] { append_to_file(path, "three\n"); }).message() == "[File] cannot write: File too large.");
  }
  CHECK(read_file(path) == "one\ntwo\n");
  CHECK(make_new_file(folder.file("new")));
  CHECK_FALSE(make_new_file(path));
  CHECK(read_file(path) == "one\ntwo\n");
  CHECK(test::error_of<SystemError>([&] { make_new_file(folder.file("missing/new")); }).code() == "graft-S003");
}

TEST_CASE("File: replacing a file leaves those who have it mapped with the old content", "[core]") {
  const test::TempDir folder;
  test::write(folder.file("x"), "the old content");
  const auto mapping = Mapping::open(folder.file("x"));
  write_file_atomically(folder.file("x"), "new");
  CHECK(mapping->bytes() == "the old content");
  CHECK(read_file(folder.file("x")) == "new");
}

TEST_CASE("File: a write that fails half-way leaves the old file and no part", "[core][error]") {
  const test::TempDir folder;
  test::write(folder.file("x"), "the old content");
  const std::string large(100000, 'a');
  const auto error = test::error_of<SystemError>([&] {
    const test::FileSizeLimit full(4096);
    write_file_atomically(folder.file("x"), large);
  });
  CHECK(error.code() == "graft-S003");
  CHECK(error.message() == "[File] cannot write: File too large.");
  CHECK(error.place() == folder.file("x"));
  CHECK(read_file(folder.file("x")) == "the old content");
  CHECK(names_in(folder.path()) == std::vector<std::string>{"x"});
}

TEST_CASE("File: writing to a folder that is not there, or over a folder, says so", "[core][error]") {
  const test::TempDir folder;
  SECTION("no such folder") {
    const auto error = test::error_of<SystemError>([&] { write_file_atomically(folder.file("none/x"), "a"); });
    CHECK(error.message() == "[File] cannot create: No such file or directory.");
    CHECK(error.remedy() == "Check that the folder exists, that you may write to it and that the disk has room.");
    CHECK(error.place() == folder.file("none/x"));
    CHECK(names_in(folder.path()).empty());
  }
  SECTION("the path is a folder") {
    fs::create_directory(folder.file("x"));
    test::write(folder.file("x/inside"), "kept");
    const auto error = test::error_of<SystemError>([&] { write_file_atomically(folder.file("x"), "a"); });
    CHECK(error.message() == "[File] cannot replace: Is a directory.");
    CHECK(names_in(folder.path()) == std::vector<std::string>{"x"});
    CHECK(read_file(folder.file("x/inside")) == "kept");
  }
}

TEST_CASE("File: a missing file is told with near names", "[core][error]") {
  const test::TempDir folder;
  test::write(folder.file("tickets.csv"), "a");
  test::write(folder.file("weather.csv"), "a");
  const auto near = test::error_of<DataError>([&] { Mapping::open(folder.file("ticket.csv")); });
  CHECK(near.code() == "graft-D002");
  CHECK(near.message() == "[File] there is no such file.");
  CHECK(near.remedy() == "Did you mean \"tickets.csv\"?");
  CHECK(near.place() == folder.file("ticket.csv"));
  const auto far = test::error_of<DataError>([&] { require_file(folder.file("model.safetensors")); });
  CHECK(far.remedy() == "Relative paths start at " + fs::current_path().string() + ".");
  CHECK(test::error_of<DataError>([&] { read_file(folder.file("none/x")); }).code() == "graft-D002");
}

TEST_CASE("File: a folder is no file", "[core][error]") {
  const test::TempDir folder;
  const auto error = test::error_of<DataError>([&] { Mapping::open(folder.path()); });
  CHECK(error.code() == "graft-D001");
  CHECK(error.message() == "[File] a file is wanted, this is a folder.");
  CHECK(error.remedy() == "Name a file in it.");
  CHECK(error.place() == folder.path());
}

TEST_CASE("Mapping: writing to the memory never reaches the file", "[core]") {
  const test::TempDir folder;
  test::write(folder.file("weights"), "abcdef");
  const auto mapping = Mapping::open(folder.file("weights"));
  const auto other = Mapping::open(folder.file("weights"));
  mapping->data()[0] = 'X';
  CHECK(mapping->bytes() == "Xbcdef");
  CHECK(other->bytes() == "abcdef");
  CHECK(read_file(folder.file("weights")) == "abcdef");
}

TEST_CASE("Mapping: an empty file has no bytes", "[core]") {
  const test::TempDir folder;
  test::write(folder.file("empty"), "");
  CHECK(Mapping::open(folder.file("empty"))->bytes().empty());
}

TEST_CASE("Json: what does not parse is told with its file and byte", "[core][error]") {
  CHECK(parse_json("{\"a\": [1, 2]}", "c.json").at("a").at(1) == 2);
  const auto error = test::error_of<DataError>([] { parse_json("{\"a\": ]}", "c.json"); });
  CHECK(error.code() == "graft-D003");
  CHECK(error.message() == "[Json] not valid JSON at byte 7.");
  CHECK(error.place() == "c.json");
  CHECK(error.details().find("parse error") != std::string::npos);
}
