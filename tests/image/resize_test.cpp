#include "graft/image/resize.h"

#include "golden_pictures.h"
#include "image/resize_part.h"

using namespace graft;
using namespace graft::image;

namespace {

Interpolation interpolation_of(const Json& entry) {
  return entry.at("interpolation") == "bicubic" ? Interpolation::Bicubic : Interpolation::Bilinear;
}

}  // namespace

TEST_CASE("Resize: the same as PIL, to the bit", "[image]") {
  const Json& golden = test::pictures().at("resized");
  const at::Tensor source = test::picture_of(golden.at("source"));
  CHECK(golden.at("cases").size() == 16);
  for (const Json& entry : golden.at("cases")) {
    const at::Tensor expected = test::picture_of(entry);
    INFO(entry.at("interpolation") << " " << expected.sizes());
    CHECK(test::max_difference(resize(source, expected.size(0), expected.size(1), interpolation_of(entry)), expected) == 0);
  }
}

TEST_CASE("Resize: a part is that part of the whole", "[image]") {
  const at::Tensor source = test::drawn(31, 40);
  for (const auto& [height, width] : {std::pair<std::int64_t, std::int64_t>{20, 27}, {31, 27}, {20, 40}, {31, 40}, {60, 90}}) {
    const at::Tensor whole = resize(source, height, width),
                     part = resize_part(source, {height, width}, {3, 5, 11, 13}, Interpolation::Bilinear);
    INFO(height << " x " << width);
    CHECK(part.equal(whole.narrow(0, 3, 11).narrow(1, 5, 13)));
  }
}

TEST_CASE("Resize: one colour stays that colour", "[image]") {
  const at::Tensor grey = at::full({13, 17, 3}, 200, at::kByte);
  CHECK(resize(grey, 5, 40, Interpolation::Bicubic).eq(200).all().item<bool>());
  CHECK(resize(grey, 13, 17).equal(grey));
}

TEST_CASE("Resize: photographs as PIL resizes them", "[image][data]") {
  for (const auto& [name, sums] : test::pictures().at("bccd").items()) {
    INFO(name);
    const at::Tensor small = resize(read_picture(test::test_data("bccd/BCCD/JPEGImages/" + name)), 320, 416);
    CHECK(small.to(at::kLong).sum().item<std::int64_t>() == sums.at("small").at("sum"));
  }
}

TEST_CASE("Resize: says what it wants", "[image][error]") {
  CHECK(test::error_of<ConfigError>([] { resize(test::drawn(4, 4), 0, 3); }).code() == "graft-C110");
  const auto error = test::error_of<DataError>([] { resize(at::zeros({3, 4, 4}), 2, 2); });
  CHECK(error.code() == "graft-D050");
  CHECK(error.message() == "[Resize] a picture, uint8 [H, W, 3] in the machine's memory, is wanted, got float [3, 4, 4].");
}
