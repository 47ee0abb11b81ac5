#include "graft/image/draw.h"

#include <set>

#include "golden_pictures.h"
#include "image/letters.h"

using namespace graft;
using namespace graft::image;

namespace {

at::Tensor canvas(std::int64_t height, std::int64_t width) { return at::zeros({height, width, 3}, at::kByte); }

at::Tensor is_colour(const at::Tensor& picture, const Colour& colour) {
  return picture.eq(at::tensor({colour[0], colour[1], colour[2]}, at::kByte)).all(2);
}

std::int64_t count(const at::Tensor& picture, const Colour& colour) { return is_colour(picture, colour).sum().item<std::int64_t>(); }

}  // namespace

TEST_CASE("Draw: a box is four lines where it lies", "[image]") {
  at::Tensor picture = canvas(20, 30);
  draw_box(picture, {5, 4, 15, 10}, {9, 8, 7});
  at::Tensor expected = at::zeros({20, 30}, at::kBool);
  expected.narrow(0, 4, 6).narrow(1, 5, 10).fill_(true);
  expected.narrow(0, 5, 4).narrow(1, 6, 8).fill_(false);
  CHECK(is_colour(picture, {9, 8, 7}).equal(expected));
  SECTION("its lines grow with the picture") {
    at::Tensor large = canvas(700, 900);
    draw_box(large, {100, 100, 200, 200}, {9, 8, 7});
    CHECK(count(large, {9, 8, 7}) == 100 * 100 - 94 * 94);
  }
}

TEST_CASE("Draw: an outline is a line of one pixel with a dark one inside", "[image]") {
  at::Tensor picture = at::full({700, 900, 3}, 90, at::kByte);
  draw_outline(picture, {100, 100, 200, 180}, {9, 8, 7});
  CHECK(count(picture, {9, 8, 7}) == 100 * 80 - 98 * 78);
  CHECK(count(picture, {0, 0, 0}) == 98 * 78 - 96 * 76);
  CHECK(count(picture, {90, 90, 90}) == 700 * 900 - 100 * 80 + 96 * 76);
}

TEST_CASE("Draw: what lies outside is cut off", "[image]") {
  at::Tensor picture = canvas(20, 30);
  draw_box(picture, {-5, -1e30, 15, 10}, {9, 8, 7}, "a long text that goes beyond");
  draw_box(picture, {40, 40, 50, 50}, {9, 8, 7}, "outside");
  draw_box(picture, {3, 3, 3, 3}, {9, 8, 7});
  draw_outline(picture, {-5, -1e30, 15, 1e30}, {9, 8, 7});
  draw_outline(picture, {3, 3, 4, 4}, {9, 8, 7});
  CHECK(picture.sizes() == at::IntArrayRef({20, 30, 3}));
}

TEST_CASE("Draw: a text stands on its colour, above the box where there is room", "[image]") {
  at::Tensor picture = canvas(60, 80);
  draw_box(picture, {10, 30, 50, 50}, {250, 250, 0}, "cell");
  const at::Tensor label = picture.narrow(0, 18, 12).narrow(1, 10, width_of("cell") + 2);
  CHECK(count(label, {250, 250, 0}) > 100);
  CHECK(count(label, {0, 0, 0}) > 30);  // black on what is light
  CHECK(count(label, {250, 250, 0}) + count(label, {0, 0, 0}) == label.size(0) * label.size(1));
  at::Tensor dark = canvas(60, 80);
  draw_box(dark, {10, 2, 50, 50}, {0, 0, 200}, "cell");
  CHECK(count(dark.narrow(0, 0, 12), {255, 255, 255}) > 30);
}

TEST_CASE("Draw: letters differ, and those that are not ASCII do no harm", "[image]") {
  std::set<std::string> seen;
  for (char letter = '!'; letter <= '~'; ++letter) {
    at::Tensor picture = canvas(16, 16);
    write_text(picture, 1, 2, 1, std::string(1, letter), {255, 255, 255});
    const at::Tensor light = picture.select(2, 0).contiguous();
    seen.insert(std::string(light.const_data_ptr<unsigned char>(), light.const_data_ptr<unsigned char>() + light.numel()));
  }
  CHECK(seen.size() > 88);  // a few share a form
  CHECK(plain_text("Größe\n\x01") == "Gr??e??");
  CHECK(plain_text("\xff\x80") == "?");
}

TEST_CASE("Draw: colours of classes differ and repeat", "[image]") {
  std::set<Colour> colours;
  for (std::int64_t i = 0; i < 10; ++i) colours.insert(class_colour(i));
  CHECK(colours.size() == 10);
  CHECK(class_colour(13) == class_colour(3));
  CHECK(class_colour(-1) == class_colour(9));
}

TEST_CASE("Draw: a sheet holds its pictures in rows", "[image]") {
  const std::vector<at::Tensor> pictures{at::full({10, 20, 3}, 1, at::kByte), at::full({30, 8, 3}, 2, at::kByte),
                                         at::full({30, 20, 3}, 3, at::kByte)};
  const at::Tensor plain = contact_sheet(pictures, 2);
  CHECK(plain.sizes() == at::IntArrayRef({4 + 2 * 34, 4 + 2 * 24, 3}));
  CHECK(count(plain, {1, 1, 1}) == 200);
  CHECK(count(plain.narrow(0, 14, 10).narrow(1, 4, 20), {1, 1, 1}) == 200);
  CHECK(count(plain.narrow(0, 4, 30).narrow(1, 34, 8), {2, 2, 2}) == 240);
  CHECK(count(plain.narrow(0, 38, 30).narrow(1, 4, 20), {3, 3, 3}) == 600);
  const std::vector<std::string> captions{"a", "b", "a caption that is too long"};
  const at::Tensor with = contact_sheet(pictures, 5, captions);
  CHECK(with.sizes() == at::IntArrayRef({4 + 30 + 14 + 4, 4 + 3 * 24, 3}));
  CHECK(count(with.narrow(0, 34, 14).narrow(1, 4, 20), {0, 0, 0}) > 5);
  CHECK(count(with.narrow(0, 34, 14).narrow(1, 72, 4), {0, 0, 0}) == 0);  // cut within its cell
}

TEST_CASE("Draw: says what it wants", "[image][error]") {
  at::Tensor wrong = at::zeros({3, 4, 4});
  CHECK(test::error_of<DataError>([&] { draw_box(wrong, {0, 0, 1, 1}, {}); }).code() == "graft-D050");
  const std::vector<at::Tensor> one{canvas(4, 4)};
  const std::vector<std::string> two{"a", "b"};
  CHECK(test::error_of<ConfigError>([&] { contact_sheet({}, 2); }).code() == "graft-C112");
  CHECK(test::error_of<ConfigError>([&] { contact_sheet(one, 0); }).code() == "graft-C112");
  CHECK(test::error_of<ConfigError>([&] { contact_sheet(one, 1, two); }).message() == "[Sheet] 1 captions or none are wanted, got 2.");
}
