#include "graft/image/pictures.h"

#include <filesystem>

#include "core/file.h"
#include "core/parallel.h"
#include "golden_pictures.h"
#include "graft/data/collate.h"

using namespace graft;
using namespace graft::image;

namespace {

Record of(at::Tensor picture) { return {{{"image", std::move(picture)}}, "a:1"}; }
Record of(const std::string& path) { return {{{"image", path}}, "a:1"}; }

at::Tensor shown(const Pictures& pictures, const Record& record, Affine* geometry = nullptr) {
  Rng rng(0);
  return pictures.shown(record, rng, Mode::Eval, geometry);
}

Sample sample(const Pictures& pictures, const Record& record) {
  Rng rng(0);
  std::vector<Sample> samples = pictures(record, rng, Mode::Eval);
  REQUIRE(samples.size() == 1);
  CHECK(rng.draws() == 0);
  return samples[0];
}

}  // namespace

TEST_CASE("Pictures: the shorter side is resized and the centre cut as torchvision does it", "[image]") {
  const at::Tensor source = test::picture_of(test::pictures().at("resized").at("source"));
  for (const Json& entry : test::pictures().at("fitted")) {
    const at::Tensor expected = test::picture_of(entry);
    const Pictures pictures({.height = expected.size(0),
                             .width = expected.size(1),
                             .crop_share = entry.at("share"),
                             .interpolation = entry.at("interpolation") == "bicubic" ? Interpolation::Bicubic : Interpolation::Bilinear});
    INFO(entry.at("interpolation") << " " << expected.sizes() << " turned " << entry.at("turned"));
    const at::Tensor given = entry.at("turned") == true ? source.transpose(0, 1).contiguous() : source;
    CHECK(test::max_difference(shown(pictures, of(given)), expected) == 0);
  }
}

TEST_CASE("Pictures: values are scaled by mean and deviation, and lie channels last", "[image]") {
  const Pictures pictures({.height = 8, .width = 12, .fit = Fit::Stretch, .mean = {0.5, 0.25, 0}, .std = {0.5, 1, 0.1}});
  const at::Tensor picture = test::drawn(8, 12);
  const at::Tensor image = sample(pictures, of(picture)).inputs["image"];
  CHECK(image.sizes() == at::IntArrayRef({3, 8, 12}));
  CHECK(image.stride(0) == 1);
  const at::Tensor expected =
      (picture.to(at::kDouble) / 255 - at::tensor({0.5, 0.25, 0.0}, at::kDouble)) / at::tensor({0.5, 1.0, 0.1}, at::kDouble);
  CHECK(test::max_difference(image.permute({1, 2, 0}), expected) < 1e-6);
  CHECK(pictures.is_uniform());
  CHECK(pictures.padding().values.empty());
  SECTION("a batch of them lies so too") {
    const std::vector<Sample> samples(3, sample(pictures, of(picture)));
    const at::Tensor batch = collate(samples, {}).inputs["image"];
    CHECK(batch.sizes() == at::IntArrayRef({3, 3, 8, 12}));
    CHECK(batch.is_contiguous(at::MemoryFormat::ChannelsLast));
  }
}

TEST_CASE("Pictures: tensors of every layout are taken, grey becomes RGB", "[image]") {
  const Pictures pictures({.height = 6, .width = 9, .fit = Fit::Stretch});
  const at::Tensor picture = test::drawn(6, 9), grey = picture.select(2, 0).contiguous();
  CHECK(shown(pictures, of(picture)).equal(picture));
  CHECK(shown(pictures, of(picture.permute({2, 0, 1}))).equal(picture));
  for (const at::Tensor& form : {grey, grey.unsqueeze(0), grey.unsqueeze(2)}) {
    CHECK(shown(pictures, of(form)).equal(grey.unsqueeze(2).expand({6, 9, 3})));
  }
}

TEST_CASE("Pictures: geometry leads from the picture's pixels to the network's", "[image]") {
  const at::Tensor picture = test::drawn(30, 40);
  Affine map;
  SECTION("stretched") {
    const Pictures pictures({.height = 15, .width = 80, .fit = Fit::Stretch, .places = true});
    const Fields inputs = sample(pictures, of(picture)).inputs;
    CHECK(inputs["geometry"].equal(at::tensor({2.F, 0.F, 0.F, 0.F, 0.5F, 0.F}).view({2, 3})));
    CHECK(inputs["frame"].equal(at::tensor({30, 40, 15, 80}, at::kLong)));
  }
  SECTION("cut") {
    shown(Pictures({.height = 14, .width = 14, .crop_share = 0.7}), of(picture), &map);  // to 20 x 26
    CHECK(map.m == std::array<double, 6>{0.65, 0, -6, 0, 20 / 30.0, -3});
  }
  SECTION("cut from the other side, and to another proportion") {
    shown(Pictures({.height = 10, .width = 40, .crop_share = 1}), of(picture), &map);  // 30 x 40 covers 10 x 40
    CHECK(map.m == std::array<double, 6>{1, 0, 0, 0, 1, -10});
  }
  SECTION("framed") {
    const at::Tensor seen = shown(Pictures({.height = 30, .width = 20, .fit = Fit::Letterbox, .mean = {1, 0, 0.5}}), of(picture), &map);
    CHECK(map.m == std::array<double, 6>{0.5, 0, 0, 0, 0.5, 7});
    CHECK(seen.narrow(0, 7, 15).equal(resize(picture, 15, 20)));
    const at::Tensor colour = at::tensor({255, 0, 128}, at::kByte).expand({7, 20, 3});
    CHECK(seen.narrow(0, 0, 7).equal(colour));
    CHECK(seen.narrow(0, 22, 7).equal(colour));
  }
}

TEST_CASE("Pictures: files are decoded once, as long as memory lasts", "[image]") {
  const Pictures pictures({.height = 8, .width = 8});
  const Record record = of(test::picture_path("rgb.png"));
  const at::Tensor first = sample(pictures, record).inputs["image"];
  at::Tensor preview = shown(pictures, record);
  preview.fill_(0);  // the caller's own
  const Pictures copy = pictures;
  CHECK(sample(copy, record).inputs["image"].equal(first));
  CHECK(pictures.decoded() == 1);
  sample(pictures, of(test::picture_path("rgb.bmp")));
  CHECK(pictures.decoded() == 2);
  const Pictures without({.height = 8, .width = 8, .memory = 0});
  sample(without, record);
  CHECK(sample(without, record).inputs["image"].equal(first));
  CHECK(without.decoded() == 2);
}

TEST_CASE("Pictures: any number of threads may ask", "[image]") {
  const Pictures pictures({.height = 8, .width = 8});
  const std::vector<std::string> names{"rgb.png", "cmyk.jpg", "rgb.bmp", "grey.pgm"};
  std::vector<at::Tensor> images(64);
  parallel_for(images.size(), 4, [&](std::size_t i) {
    Rng rng(0);
    images[i] = pictures(of(test::picture_path(names[i % names.size()])), rng, Mode::Eval).at(0).inputs["image"];
  });
  for (std::size_t i = names.size(); i < images.size(); ++i) CHECK(images[i].equal(images[i % names.size()]));
  CHECK(pictures.decoded() >= 4);
  CHECK(pictures.decoded() <= 16);  // two threads may meet over one file
}

TEST_CASE("Pictures: a file that was changed is read anew", "[image]") {
  const test::TempDir folder;
  const Pictures pictures({.height = 4, .width = 4, .fit = Fit::Stretch});
  const auto mean = [&] { return shown(pictures, of(folder.file("a.png"))).to(at::kFloat).mean().item<double>(); };
  write_png(folder.file("a.png"), at::full({4, 4, 3}, 10, at::kByte));
  CHECK(mean() == 10);
  write_png(folder.file("a.png"), at::full({4, 4, 3}, 20, at::kByte));
  std::filesystem::last_write_time(folder.file("a.png"), std::filesystem::file_time_type::clock::now() + std::chrono::seconds(2));
  CHECK(mean() == 20);
}

TEST_CASE("Pictures: come back from their config, and take a backbone's", "[image]") {
  const Pictures pictures(
      {.image = "file", .height = 32, .width = 48, .fit = Fit::Letterbox, .interpolation = Interpolation::Bicubic, .places = true});
  CHECK(Pictures::from_config(pictures.config()).config() == pictures.config());
  CHECK(pictures.config().at("type") == "pictures");
  const Record example = pictures.example();
  CHECK(sample(pictures, example).inputs["image"].sizes() == at::IntArrayRef({3, 32, 48}));
  const PicturesOptions options = Pictures::options_from({{"type", "image"},
                                                          {"size", 260},
                                                          {"interpolation", "bicubic"},
                                                          {"mean", {0.5, 0.4, 0.3}},
                                                          {"std", {0.1, 0.2, 0.3}},
                                                          {"channels", "RGB"}});
  CHECK((options.height == 260 && options.width == 260));
  CHECK(options.interpolation == Interpolation::Bicubic);
  CHECK(options.mean == std::vector<double>{0.5, 0.4, 0.3});
  CHECK(options.std == std::vector<double>{0.1, 0.2, 0.3});
  CHECK(options.fit == Fit::Crop);
  CHECK(options.crop_share == 0.875);
  const Json small{{"size", 32}, {"interpolation", "bilinear"}, {"mean", {0, 0, 0}}, {"std", {1, 1, 1}}, {"crop_share", 1}};
  CHECK(Pictures::options_from(small).crop_share == 1);
}

TEST_CASE("Pictures: say what is wrong with options, records and tensors", "[image][error]") {
  const auto options = test::error_of<ConfigError>([] {
    Pictures({.height = 0, .crop_share = 1.5, .mean = {1}, .std = {1, 0, 1}, .memory = -1});
  });
  CHECK(options.code() == "graft-C110");
  CHECK(options.problems().size() == 5);
  Json config = Pictures().config();
  config["fit"] = "croop";
  const auto fit = test::error_of<ConfigError>([&] { Pictures::from_config(config); });
  CHECK(fit.code() == "graft-C111");
  CHECK(fit.remedy() == "Did you mean \"crop\"?");
  Json other{{"type", "image"}, {"size", 32}, {"interpolation", "bilinear"}, {"mean", {0, 0, 0}}, {"std", {1, 1, 1}}, {"channels", "BGR"}};
  CHECK(test::error_of<ConfigError>([&] { Pictures::options_from(other); }).code() == "graft-C111");
  for (const char* wrong : {"{}", "[]", R"({"size": "x", "interpolation": "bilinear", "mean": [0, 0, 0], "std": [1, 1, 1]})"})
    CHECK(test::error_of<ConfigError>([&] { Pictures::options_from(Json::parse(wrong)); }).code() == "graft-C111");
  const Pictures pictures({.height = 4, .width = 4});
  const auto missing = test::error_of<DataError>([&] { shown(pictures, {{{"imagee", std::string("a")}}, "a:3"}); });
  CHECK(missing.code() == "graft-D004");
  CHECK(missing.remedy() == "Did you mean \"imagee\"?");
  for (const at::Tensor& wrong :
       {at::zeros({4, 4, 3}), at::zeros({4, 4, 4}, at::kByte), at::zeros({4}, at::kByte), at::zeros({0, 4, 3}, at::kByte)}) {
    const auto shape = test::error_of<DataError>([&] { shown(pictures, of(wrong)); });
    CHECK(shape.code() == "graft-D050");
    CHECK(shape.place() == "a:1");
  }
  CHECK(test::error_of<DataError>([&] { shown(pictures, of(std::string("no_such.png"))); }).code() == "graft-D002");
}
