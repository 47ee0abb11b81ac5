#include "graft/data/idx.h"

#include <zlib.h>

#include "support.h"

using namespace graft;

namespace {

/// Big-endian header of bytes, then the values.
std::string idx_of(const std::vector<unsigned>& shape, const std::string& values) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (const unsigned size : shape) {
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(size >> shift & 0xff);
  }
  return bytes + values;
}

void write_packed(const std::string& path, const std::string& bytes) {
  const gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
}

/// Two pictures of 2 x 3, of the classes 7 and 0.
struct Files {
  Files() {
    test::write(images, idx_of({2, 2, 3}, "abcdefghijk\xFF"));
    test::write(labels, idx_of({2}, std::string("\x07\x00", 2)));
  }
  Problem problem() const {
    return test::error_of<DataError>([&] { data::idx(images, labels); }).problems().front();
  }
  test::TempDir folder;
  std::string images = folder.file("images"), labels = folder.file("labels");
};

}  // namespace

TEST_CASE("Idx: pictures and labels, plain and packed", "[idx]") {
  const Files files;
  write_packed(files.folder.file("packed.gz"), idx_of({2, 2, 3}, "abcdefghijk\xFF"));
  for (const std::string& images : {files.images, files.folder.file("packed.gz")}) {
    const Data data = data::idx(images, files.labels);
    REQUIRE(data.size() == 2);
    const Record record = data.get(1);
    CHECK(at::equal(record.tensor("image"), at::tensor({103, 104, 105, 106, 107, 255}, at::kByte).view({2, 3})));
    CHECK(record.tensor("image").scalar_type() == at::kByte);
    CHECK(record.text("label") == "0");
    CHECK(data.get(0).text("label") == "7");
    CHECK(record.place.ends_with(":picture 2"));
  }
  const Data named = data::idx(files.images, files.labels, {.labels = {"zero", "1", "2", "3", "4", "5", "6", "seven"}});
  CHECK(named.labels("label") == std::vector<std::string>{"seven", "zero"});
  CHECK(named.key(0) == data::idx(files.images, files.labels).key(0));
  CHECK(named.key(0) != named.key(1));
}

TEST_CASE("Idx: files that are none, end early or do not belong together", "[idx][error]") {
  const Files files;
  SECTION("another kind of values") {
    std::string floats = idx_of({2}, "xxxxxxxx");
    floats[2] = '\x0d';
    test::write(files.labels, floats);
    CHECK(files.problem().message == "[Idx] a file of bytes with 1 dimension is wanted, got another one.");
  }
  SECTION("labels for pictures") {
    test::write(files.images, idx_of({2}, "ab"));
    CHECK(files.problem().message == "[Idx] a file of bytes with 3 dimensions is wanted, got another one.");
    CHECK(files.problem().place == files.images);
  }
  SECTION("ends early") {
    test::write(files.images, idx_of({2, 2, 3}, "abcdefghijk"));
    CHECK(files.problem().message == "[Idx] values of the shape [2, 2, 3] are wanted, got 11 bytes.");
  }
  SECTION("goes on") {
    test::write(files.labels, idx_of({2}, "abc"));
    CHECK(files.problem().message == "[Idx] values of the shape [2] are wanted, got more.");
  }
  SECTION("claims the world") {
    test::write(files.images, idx_of({0xffffffff, 0xffffffff, 0xffffffff}, "abc"));
    CHECK(files.problem().code == "graft-D066");
  }
  SECTION("empty") {
    test::write(files.images, "");
    CHECK(files.problem().code == "graft-D066");
  }
  SECTION("other lengths") {
    test::write(files.labels, idx_of({3}, "abc"));
    CHECK(files.problem().message == "[Idx] a label for each of 2 pictures is wanted, got 3.");
    CHECK(files.problem().place == files.labels);
  }
  SECTION("a packed file cut short") {
    std::string values;
    for (int i = 0; i < 9000; ++i) values += static_cast<char>(i * i / 7);
    write_packed(files.images, idx_of({10, 30, 30}, values));
    std::filesystem::resize_file(files.images, std::filesystem::file_size(files.images) / 2);
    CHECK(files.problem().message.starts_with("[Idx] a whole file is wanted, it cannot be unpacked: "));
  }
  SECTION("missing") {
    CHECK(test::error_of<DataError>([&] { data::idx(files.folder.file("image"), files.labels); }).remedy() == "Did you mean \"images\"?");
  }
  SECTION("too few names") {
    CHECK(test::error_of<DataError>([&] { data::idx(files.images, files.labels, {.labels = {"zero"}}); }).message() ==
          "[Idx] a name for each label up to 7 is wanted, got 1.");
  }
}
