#include "graft/image/augment.h"

#include "golden_pictures.h"
#include "graft/image/pictures.h"

using namespace graft;
using namespace graft::image;

namespace {

constexpr Colour grey{128, 128, 128};

View view_of(const at::Tensor& picture) { return {picture, {}, {picture.size(0), picture.size(1)}}; }

/// Black with a white square, whose middle is given.
at::Tensor with_mark(std::int64_t height, std::int64_t width, std::int64_t x, std::int64_t y) {
  at::Tensor picture = at::zeros({height, width, 3}, at::kByte);
  picture.narrow(0, y - 3, 6).narrow(1, x - 3, 6).fill_(255);
  return picture;
}

/// The middle of what is light, in pixels.
Point middle_of_light(const at::Tensor& picture) {
  const at::Tensor light = picture.select(2, 0).to(at::kDouble), all = light.sum();
  const at::Tensor y = at::arange(light.size(0), at::kDouble) + 0.5, x = at::arange(light.size(1), at::kDouble) + 0.5;
  return {(light.sum(0) * x).sum().div(all).item<double>(), (light.sum(1) * y).sum().div(all).item<double>()};
}

}  // namespace

TEST_CASE("Augment: with everything off nothing changes and nothing is drawn", "[image]") {
  const at::Tensor picture = test::drawn(20, 30);
  View view = view_of(picture);
  Rng rng(3);
  augment(view, grey, {}, rng);
  CHECK(view.picture.equal(picture));
  CHECK(view.map.m == Affine().m);
  CHECK(rng.draws() == 0);
}

TEST_CASE("Augment: each change draws for itself, and its source stays as it was", "[image]") {
  const at::Tensor picture = test::drawn(20, 30), before = picture.clone();
  const auto draws = [&](const AugmentOptions& options) {
    View view = view_of(picture);
    Rng rng(3);
    augment(view, grey, options, rng);
    return rng.draws();
  };
  CHECK(draws({.horizontal_flip = 0.5}) == 1);
  CHECK(draws({.horizontal_flip = 1, .vertical_flip = 1}) == 2);
  CHECK(draws({.rotation = 10}) == 1);
  CHECK(draws({.brightness = 0.2}) == 1);
  CHECK(draws({.brightness = 0.2, .contrast = 0.2, .saturation = 0.2, .hue = 0.1}) == 4);
  CHECK(draws({.erasing = 1e-9}) == 1);
  CHECK(draws({.erasing = 1}) >= 5);
  CHECK(draws({.operations = 2}) >= 2);
  CHECK(picture.equal(before));
}

TEST_CASE("Augment: flips are those of the picture, as often as asked", "[image]") {
  const at::Tensor picture = test::drawn(6, 8);
  Rng rng(1);
  View both = view_of(picture);
  random_flips(both, {.horizontal_flip = 1, .vertical_flip = 1}, rng);
  CHECK(both.picture.equal(picture.flip(0).flip(1)));
  CHECK((both.map.apply({1, 2}).x == 7 && both.map.apply({1, 2}).y == 4));
  int flipped = 0;
  for (int i = 0; i < 1000; ++i) {
    View view = view_of(picture);
    random_flips(view, {.horizontal_flip = 0.3}, rng);
    flipped += view.map.m[0] < 0;
  }
  CHECK(flipped == Approx(300).margin(60));
}

TEST_CASE("Augment: a crop has the wanted size, at least its share, and the proportions allowed", "[image]") {
  const at::Tensor picture = test::drawn(60, 90);
  Rng rng(5);
  double smallest = 1, largest = 0, narrowest = 10, widest = 0;
  for (int i = 0; i < 300; ++i) {
    View view = view_of(picture);
    random_crop(view, {20, 40}, Interpolation::Bilinear, {.crop = 0.25, .crop_ratio = 1.5}, rng);
    REQUIRE(view.picture.sizes() == at::IntArrayRef({20, 40, 3}));
    const Point begin = view.map.inverse().apply({0, 0}), end = view.map.inverse().apply({40, 20});
    REQUIRE((begin.x > -1e-9 && begin.y > -1e-9 && end.x < 90 + 1e-9 && end.y < 60 + 1e-9));
    const double share = (end.x - begin.x) * (end.y - begin.y) / 5400, proportion = (end.x - begin.x) / (end.y - begin.y) / 2;
    smallest = std::min(smallest, share), largest = std::max(largest, share);
    narrowest = std::min(narrowest, proportion), widest = std::max(widest, proportion);
  }
  CHECK((smallest > 0.24 && smallest < 0.3));
  CHECK(largest > 0.7);
  CHECK((narrowest > 0.64 && narrowest < 0.72));
  CHECK((widest > 1.4 && widest < 1.55));
}

TEST_CASE("Augment: a picture that no part fits in is cut in the middle", "[image]") {
  View view = view_of(test::drawn(4, 100));
  Rng rng(5);
  random_crop(view, {8, 8}, Interpolation::Bilinear, {.crop = 1, .crop_ratio = 1}, rng);
  CHECK(view.map.m == std::array<double, 6>{2, 0, -96, 0, 2, 0});  // 4 x 4 from pixel 48 on
}

TEST_CASE("Augment: the map leads to where things went, whatever was drawn", "[image]") {
  const AugmentOptions options{.crop = 0.6, .horizontal_flip = 0.5, .vertical_flip = 0.5, .rotation = 20};
  Rng rng(11);
  int seen = 0;
  for (int i = 0; i < 100; ++i) {
    View view = view_of(with_mark(90, 120, 50, 52));
    random_crop(view, {70, 70}, Interpolation::Bilinear, options, rng);
    augment(view, {0, 0, 0}, options, rng);
    const auto box = moved({47, 49, 53, 55}, view.map, 70, 70, {.least_visible = 0.999});
    if (!box) continue;
    ++seen;
    const Point middle = middle_of_light(view.picture), expected = view.map.apply({50, 52});
    REQUIRE(middle.x == Approx(expected.x).margin(0.3));
    REQUIRE(middle.y == Approx(expected.y).margin(0.3));
  }
  CHECK(seen > 60);
}

TEST_CASE("Augment: RandAugment moves boxes with its geometry, and gives a picture whatever it draws", "[image]") {
  Rng rng(2);
  int moves = 0, seen = 0, changes = 0;
  for (int i = 0; i < 300; ++i) {
    const at::Tensor picture = with_mark(80, 80, 40, 36);
    View view = view_of(picture);
    rand_augment(view, {0, 0, 0}, {.operations = 1, .strength = 12}, rng);
    REQUIRE(view.picture.sizes() == picture.sizes());
    const bool has_moved = view.map.m != Affine().m;
    changes += has_moved || !view.picture.equal(picture);
    if (!has_moved) continue;
    ++moves;
    if (!moved({37, 33, 43, 39}, view.map, 80, 80, {.least_visible = 0.999})) continue;
    ++seen;
    const Point middle = middle_of_light(view.picture), expected = view.map.apply({40, 36});
    REQUIRE(middle.x == Approx(expected.x).margin(0.3));
    REQUIRE(middle.y == Approx(expected.y).margin(0.3));
  }
  CHECK(moves == Approx(300 * 5 / 14).margin(35));
  CHECK(seen > moves / 2);
  CHECK(changes > 150);
  View strongest = view_of(test::drawn(30, 30));
  rand_augment(strongest, grey, {.operations = 14, .strength = 30}, rng);
  CHECK(strongest.picture.sizes() == at::IntArrayRef({30, 30, 3}));
}

TEST_CASE("Augment: erasing covers one rectangle of 2 to 33 %", "[image]") {
  Rng rng(9);
  for (int i = 0; i < 100; ++i) {
    View view = view_of(at::zeros({40, 60, 3}, at::kByte));
    random_erasing(view, {5, 6, 7}, {.erasing = 1}, rng);
    const at::Tensor covered = view.picture.select(2, 0).eq(5);
    const std::int64_t rows = covered.any(1).sum().item<std::int64_t>(), columns = covered.any(0).sum().item<std::int64_t>();
    REQUIRE(covered.sum().item<std::int64_t>() == rows * columns);
    REQUIRE(rows * columns >= 40);
    REQUIRE(rows * columns <= 820);
    REQUIRE(view.picture.select(2, 2).eq(7).equal(covered));
  }
}

TEST_CASE("Augment: Pictures change in training alone, by the record's own numbers", "[image]") {
  const PicturesOptions options{
      .height = 24, .width = 32, .augment = {.crop = 0.3, .horizontal_flip = 0.5, .hue = 0.1, .erasing = 0.5}, .places = true};
  const Pictures pictures(options);
  const Record record{{{"image", test::picture_path("rgb.png")}}, "a:1"};
  const auto seen = [&](const Pictures& by, std::uint64_t epoch, Mode mode) {
    Rng rng(1, epoch, 4);
    return by(record, rng, mode).at(0).inputs;
  };
  const Fields first = seen(pictures, 0, Mode::Train);
  CHECK(first["image"].sizes() == at::IntArrayRef({3, 24, 32}));
  CHECK(seen(pictures, 0, Mode::Train)["image"].equal(first["image"]));
  CHECK_FALSE(seen(pictures, 1, Mode::Train)["geometry"].equal(first["geometry"]));
  CHECK(pictures.decoded() == 1);
  const Pictures plain = pictures.with_augment({});
  Rng rng(0);
  CHECK(seen(pictures, 0, Mode::Eval)["image"].equal(seen(plain, 1, Mode::Train)["image"]));
  plain(record, rng, Mode::Train);
  CHECK(rng.draws() == 0);
  CHECK(plain.decoded() == 2);  // once before and once after the centre was cut out
  CHECK(pictures.with_size(10, 12).decoded() == 0);
  CHECK(seen(pictures.with_size(10, 12), 0, Mode::Train)["image"].sizes() == at::IntArrayRef({3, 10, 12}));
  CHECK(Pictures::from_config(pictures.config()).options().augment == options.augment);
}

TEST_CASE("Augment: options out of range are all told", "[image][error]") {
  const auto error = test::error_of<ConfigError>([] {
    Pictures({.augment = {.crop = 2,
                          .crop_ratio = 0.5,
                          .horizontal_flip = -1,
                          .rotation = 200,
                          .operations = 20,
                          .strength = 31,
                          .brightness = 2,
                          .hue = 0.6,
                          .erasing = 2}});
  });
  CHECK(error.problems().size() == 9);
  CHECK(error.message() == "[Pictures] augment.crop must lie in 0.0 to 1.0, got 2.0.");
}
