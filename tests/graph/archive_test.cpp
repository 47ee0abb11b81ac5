#include "graph/archive.h"

#include <cstring>

#include "graft/core/runtime.h"
#include "hostile.h"

using namespace graft;

namespace {

/// What the reader says of an archive, directory and records.
std::string complaint(const std::string& bytes) {
  const test::TempDir folder;
  test::write(folder.file("x.pt"), bytes);
  const auto error = test::error_of<CheckpointError>([&] {
    const graph::Archive archive(Mapping::open(folder.file("x.pt")), folder.file("x.pt"));
    archive.require_sound();
    for (const graph::Record& record : archive.records()) archive.bytes(record);
  });
  CHECK(error.place() == folder.file("x.pt"));
  return error.code() + " " + error.message();
}

void check_complaint(const std::string& bytes, const std::string& words) {
  const std::string text = complaint(bytes);
  INFO(text);
  CHECK(text.find("graft-K014") == 0);
  CHECK(text.find(words) != std::string::npos);
}

std::string number(std::uint32_t value) { return {reinterpret_cast<const char*>(&value), 4}; }

/// Where the directory's entry for a record stands.
std::size_t entry(const std::string& bytes, const std::string& name) { return bytes.rfind(name) - 46; }

const test::ZipRecords plain = {{"version", "3\n"}, {"code/a.py", std::string(500, 'x'), true}, {"data/0", "12345678"}};

}  // namespace

TEST_CASE("Archive: records have their content, packed or not, in capitals or not", "[graph]") {
  const test::TempDir folder;
  test::write(folder.file("x.pt"), test::write_zip(plain));
  const graph::Archive archive(Mapping::open(folder.file("x.pt")), folder.file("x.pt"));
  archive.require_sound();
  REQUIRE(archive.records().size() == 3);
  CHECK(archive.bytes(*archive.find("CODE/A.PY")) == plain[1].bytes);
  CHECK(archive.bytes(*archive.find("data/0")) == plain[2].bytes);
  CHECK(archive.find("data/1") == nullptr);
}

TEST_CASE("Archive: LibTorch's own archives are sound, with long directories (zip64) too", "[graph]") {
  const test::TempDir folder;
  const std::string path = folder.file("x.pt");
  graph::Network::load(test::golden_path("vision_script.pt")).save(path, {{"note.txt", "kept"}});
  const graph::Archive archive(Mapping::open(path), path);
  archive.require_sound();
  CHECK(archive.bytes(*archive.find("extra/note.txt")) == "kept");

  std::string bytes(Mapping::open(path)->bytes());
  REQUIRE(bytes.substr(bytes.size() - 42, 4) == "PK\x06\x07");  // the locator of zip64
  SECTION("its two directories must agree") {
    bytes[bytes.size() - 12]++;
    bytes[bytes.size() - 14]++;
    check_complaint(bytes, "contradict");
  }
  SECTION("nothing stands between them") {
    bytes[bytes.size() - 34]--;
    check_complaint(bytes, "out of place");
  }
}

TEST_CASE("Archive: names have one reading", "[graph][error]") {
  const auto named = [](const std::string& name) { return test::write_zip({{"version", "3\n"}, {name, "x"}}); };
  check_complaint(named("version"), "same name");
  check_complaint(named("VERSION"), "same name");
  check_complaint(named("../version"), "\"../version\"");
  check_complaint(named("a//b"), "\"a//b\"");
  check_complaint(named("/etc/passwd"), "/etc/passwd");
  check_complaint(named("a\\b"), "name");
  check_complaint(named("folder/"), "folder/");
  SECTION("and one root folder") {
    std::string bytes = named("data");
    for (std::size_t at = bytes.find("archive/data"); at != std::string::npos; at = bytes.find("archive/data")) bytes[at] = 'b';
    check_complaint(bytes, "brchive/data");
  }
}

TEST_CASE("Archive: records lie in the file, alone, as both headers say", "[graph][error]") {
  const std::string good = test::write_zip(plain);
  std::string bytes = good;
  const auto patch = [&](std::size_t at, const std::string& value) { bytes.replace(at, value.size(), value); };
  SECTION("a record beyond the end") {
    patch(entry(good, "archive/data/0") + 20, number(1 << 20) + number(1 << 20));
    check_complaint(bytes, "outside of the file");
  }
  SECTION("a header beyond the end") {
    patch(entry(good, "archive/data/0") + 42, number(0x7fffffff));
    check_complaint(bytes, "outside of the file");
  }
  SECTION("a record over another") {
    patch(entry(good, "archive/version") + 20, number(60) + number(60));
    patch(18, number(60) + number(60));
    check_complaint(bytes, "overlaps");
  }
  SECTION("a header of another record") {
    patch(entry(good, "archive/data/0") + 42, number(0));
    check_complaint(bytes, "contradicts the directory");
  }
  SECTION("a header with another name") {
    patch(good.find("archive/data/0"), "archive/data/1");
    check_complaint(bytes, "contradicts the directory");
  }
  SECTION("a header with another size") {
    patch(good.find("archive/data/0") - 8, number(7));
    check_complaint(bytes, "contradicts the directory");
  }
  SECTION("an encrypted record") {
    patch(entry(good, "archive/data/0") + 8, std::string("\x01\x00", 2));
    check_complaint(bytes, "encrypted");
  }
  SECTION("a record that is said to be a folder") {
    patch(entry(good, "archive/data/0") + 38, number(0x10));
    check_complaint(bytes, "\"data/0\" is a folder");
  }
  SECTION("a directory that counts twice") {
    patch(good.size() - 12, std::string("\x02\x00", 2));
    check_complaint(bytes, "two ways");
  }
  SECTION("a directory that is longer than its entries") {
    patch(good.size() - 14, std::string("\x02\x00\x02\x00", 4));
    check_complaint(bytes, "longer than its entries");
  }
  SECTION("a directory out of place") {
    patch(good.size() - 6, number(0));
    check_complaint(bytes, "out of place");
  }
  SECTION("several disks") {
    patch(good.size() - 18, std::string("\x01\x00", 2));
    check_complaint(bytes, "disks");
  }
}

TEST_CASE("Archive: content is what was written", "[graph][error]") {
  std::string bytes = test::write_zip(plain);
  bytes[bytes.find("12345678")] = '2';
  check_complaint(bytes, "checksum of \"data/0\"");
}

TEST_CASE("Archive: only sources are packed, and they unpack to no more than sources do", "[graph][error]") {
  check_complaint(test::write_zip({{"data.pkl", std::string(500, 'x'), true}}), "\"data.pkl\" is compressed");
  check_complaint(test::write_zip({{"data/0", std::string(500, 'x'), true}}), "\"data/0\" is compressed");
  check_complaint(test::write_zip({{"code/a.py", std::string(4 << 20, '\n'), true}}), "\"code/a.py\" would unpack to 4194304 bytes");
  test::ZipRecords many;
  for (char name = 'a'; name < 'e'; ++name) many.push_back({std::string("code/") + name + ".py", std::string(1 << 20, '\n'), true});
  check_complaint(test::write_zip(many), "its sources would unpack to 4194304 bytes");
  SECTION("a record that unpacks to another size than it says") {
    std::string bytes = test::write_zip(plain);
    const std::string longer = number(501);
    bytes.replace(entry(bytes, "archive/code/a.py") + 24, 4, longer);
    bytes.replace(bytes.find("archive/code/a.py") - 8, 4, longer);
    check_complaint(bytes, "does not unpack");
  }
}

TEST_CASE("Archive: what was cut short, or has something behind its end, is no archive", "[graph][error]") {
  const std::string good = test::write_zip(plain);
  CHECK(complaint(good.substr(0, good.size() - 1)).find("graft-K003") == 0);
  CHECK(complaint(good + "x").find("graft-K003") == 0);
  CHECK(complaint("").find("graft-K003") == 0);
}
