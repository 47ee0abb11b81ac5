#include "graft/image/picture.h"

#include <zlib.h>

#include "core/file.h"
#include "golden_pictures.h"
#include "graft/core/rng.h"

using namespace graft;
using namespace graft::image;

namespace {

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const auto& [name, entry] : test::pictures().at("files").items()) found.push_back(name);
  return found;
}

/// The code of the error, or "" where it is decoded.
std::string outcome(const std::string& bytes) {
  try {
    decode_picture(bytes, "damaged");
    return "";
  } catch (const DataError& error) {
    CHECK(error.place() == "damaged");
    return error.code();
  }
}

}  // namespace

TEST_CASE("Picture: every kind of file gives what PIL makes of it", "[image]") {
  REQUIRE(names().size() >= 36);
  for (const std::string& name : names()) {
    INFO(name);
    const at::Tensor expected = test::picture_of(test::pictures().at("files").at(name));
    const at::Tensor picture = read_picture(test::picture_path(name));
    REQUIRE(picture.sizes() == expected.sizes());
    CHECK(picture.is_contiguous());
    CHECK(test::max_difference(picture, expected) == 0);
    CHECK(read_size(test::picture_path(name)) == PictureSize{expected.size(0), expected.size(1)});
  }
}

TEST_CASE("Picture: the content says what a file is, not its name", "[image]") {
  const test::TempDir folder;
  test::write(folder.file("a.png"), read_file(test::picture_path("rgb.bmp")));
  CHECK(read_picture(folder.file("a.png")).equal(read_picture(test::picture_path("rgb.bmp"))));
}

TEST_CASE("Picture: a PNG comes back as it was, a JPEG nearly", "[image]") {
  const test::TempDir folder;
  const at::Tensor picture = test::drawn(33, 47);
  write_png(folder.file("a.png"), picture);
  CHECK(read_picture(folder.file("a.png")).equal(picture));
  CHECK(decode_picture(encode_png(picture.transpose(0, 1)), "").equal(picture.transpose(0, 1)));
  write_jpeg(folder.file("a.jpg"), picture, 95);
  write_jpeg(folder.file("b.jpg"), picture, 30);
  const auto error = [&](const std::string& name) {
    return (read_picture(folder.file(name)).to(at::kFloat) - picture.to(at::kFloat)).abs().mean().item<double>();
  };
  CHECK(error("a.jpg") < 6);
  CHECK(error("b.jpg") > error("a.jpg"));
  CHECK(read_file(folder.file("b.jpg")).size() < read_file(folder.file("a.jpg")).size());
}

TEST_CASE("Picture: photographs are decoded as PIL decodes them", "[image][data]") {
  for (const auto& [name, sums] : test::pictures().at("bccd").items()) {
    INFO(name);
    const at::Tensor picture = read_picture(test::test_data("bccd/BCCD/JPEGImages/" + name));
    CHECK(picture.sizes() == at::IntArrayRef({480, 640, 3}));
    CHECK(picture.to(at::kLong).sum().item<std::int64_t>() == sums.at("whole").at("sum"));
  }
  CHECK(test::pictures().at("bccd").size() == 3);
}

TEST_CASE("Picture: what is cut off is told, wherever it ends", "[image][error]") {
  for (const std::string& name : names()) {
    const std::string whole = read_file(test::picture_path(name));
    const bool is_text = name.starts_with("text");  // its last digits may go without a trace
    for (std::size_t size = 0; size + (is_text ? 8 : 1) < whole.size(); size += 1 + size / 50) {
      INFO(name << " cut to " << size);
      const std::string code = outcome(whole.substr(0, size));
      if (size >= 8) CHECK(code == "graft-D048");
      if (size == 0) CHECK(code == "graft-D049");
    }
  }
  CHECK(outcome(read_file(test::picture_path("colour.jpg")).substr(0, 700)) == "graft-D048");
}

TEST_CASE("Picture: damaged files are decoded or refused, nothing else", "[image][error]") {
  Rng rng(7);
  std::size_t refused = 0;
  for (const std::string& name : names()) {
    const std::string whole = read_file(test::picture_path(name));
    for (int round = 0; round < 150; ++round) {
      std::string damaged = whole;
      for (std::uint64_t change = 0; change <= rng.below(4); ++change) {
        const std::size_t at = rng.below(round % 2 == 0 ? damaged.size() : std::min<std::size_t>(damaged.size(), 64));
        damaged[at] = rng.below(3) == 0 ? '\xff' : static_cast<char>(rng.bits());
      }
      INFO(name << " round " << round);
      refused += !outcome(damaged).empty();
    }
  }
  CHECK(refused > names().size() * 50);
}

TEST_CASE("Picture: sizes beyond reason are refused before memory is taken", "[image][error]") {
  std::string png = read_file(test::picture_path("rgb.png"));
  CHECK(outcome("P6\n2000000 2000000\n255\n.") == "graft-D048");
  const auto error = test::error_of<DataError>([] { decode_picture("P6\n20000 20000\n255\n.", "big.ppm"); });
  CHECK(error.message() == "[Picture] cannot be decoded: at most 178,956,970 pixels are read, it claims 20,000 x 20,000.");
  std::string jpeg = read_file(test::picture_path("colour.jpg"));
  const std::size_t frame = jpeg.find("\xff\xc0");
  for (const std::size_t at : {5, 6, 7, 8}) jpeg[frame + at] = '\xf0';
  CHECK(outcome(jpeg) == "graft-D048");
}

TEST_CASE("Picture: files that are too short for what they claim are refused before memory is taken", "[image][error]") {
  const auto refused = [](const std::string& bytes) {
    return test::error_of<DataError>([&] { decode_picture(bytes, "x"); }).message() == "[Picture] cannot be decoded: it is cut off.";
  };
  for (const std::string name : {"colour.jpg", "progressive.jpg"}) {
    std::string jpeg = read_file(test::picture_path(name));
    const std::size_t frame = jpeg.find(name[0] == 'c' ? "\xff\xc0" : "\xff\xc2");
    for (const std::size_t at : {5, 7}) jpeg[frame + at] = '\x20';  // 8,205 x 8,211
    CHECK(refused(jpeg));
  }
  std::string png = read_file(test::picture_path("rgb.png"));
  png[18] = png[22] = '\x20';
  const auto checksum = static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(png.data() + 12), 17));
  for (std::size_t i = 0; i < 4; ++i) png[29 + i] = static_cast<char>(checksum >> (24 - 8 * i));
  CHECK(refused(png));
  CHECK(decode_picture(encode_png(at::zeros({4000, 4000, 3}, at::kByte)), "").sizes() == at::IntArrayRef({4000, 4000, 3}));
  const test::TempDir folder;
  write_jpeg(folder.file("grey.jpg"), at::full({4000, 4000, 3}, 128, at::kByte), 1);
  CHECK(read_picture(folder.file("grey.jpg")).eq(128).all().item<bool>());
}

TEST_CASE("Picture: other kinds of files are refused with those that are read", "[image][error]") {
  const auto error = test::error_of<DataError>([] { decode_picture("GIF89a...", "a.gif"); });
  CHECK(error.code() == "graft-D049");
  CHECK(error.message() == "[Picture] JPEG, PNG, BMP or PNM is wanted, got a file that begins like none of them.");
  CHECK(error.place() == "a.gif");
  CHECK(outcome("") == "graft-D049");
  CHECK(test::error_of<DataError>([] { read_picture("no_such.png"); }).code() == "graft-D002");
}

TEST_CASE("Picture: what is no picture is not written", "[image][error]") {
  const test::TempDir folder;
  for (const at::Tensor& wrong :
       {at::zeros({4, 4}, at::kByte), at::zeros({3, 4, 4}, at::kByte), at::zeros({4, 4, 3}), at::zeros({0, 4, 3}, at::kByte)}) {
    CHECK(test::error_of<DataError>([&] { write_png(folder.file("a.png"), wrong); }).code() == "graft-D050");
    CHECK(test::error_of<DataError>([&] { write_jpeg(folder.file("a.jpg"), wrong); }).code() == "graft-D050");
  }
  const auto error = test::error_of<DataError>([&] { write_jpeg(folder.file("a.jpg"), at::zeros({1, 70000, 3}, at::kByte)); });
  CHECK(error.message().find("[1, 70000, 3]") != std::string::npos);
}
