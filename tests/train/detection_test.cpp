#include <cmath>

#include "graft/backbone/pyramid.h"
#include "graft/data/records.h"
#include "graft/eval/evaluator.h"
#include "graft/head/detector.h"
#include "graft/image/picture.h"
#include "graft/image/pictures.h"
#include "graft/train/trainer.h"
#include "support.h"

using namespace graft;

namespace {

constexpr std::int64_t side = 32;

/// Grey pictures with one to three bright squares, red or blue, in files of their own.
Data squares(const std::string& folder, std::size_t count, std::uint64_t seed) {
  std::vector<Record> records;
  for (std::size_t i = 0; i < count; ++i) {
    Rng rng(seed, 0, i);
    at::Tensor picture = at::full({side, side, 3}, 90, at::kByte);
    std::vector<GivenBox> boxes;
    for (std::uint64_t n = 1 + rng.below(3); n > 0; --n) {
      const auto size = static_cast<std::int64_t>(7 + rng.below(6)), x = static_cast<std::int64_t>(rng.below(side - 12)),
                 y = static_cast<std::int64_t>(rng.below(side - 12));
      const bool red = rng.below(2) == 0;
      GivenBox box;
      box.x1 = static_cast<double>(x), box.y1 = static_cast<double>(y);
      box.x2 = static_cast<double>(x + size), box.y2 = static_cast<double>(y + size);
      box.label = red ? "red" : "blue";
      box.object_area = box.area();
      if (std::ranges::any_of(boxes, [&](const GivenBox& other) { return intersection_over_union(box, other) > 0; })) continue;
      picture.narrow(0, y, size).narrow(1, x, size).select(2, red ? 0 : 2).fill_(250);
      boxes.push_back(box);
    }
    const std::string path = folder + "/" + std::to_string(seed) + "_" + std::to_string(i) + ".png";
    image::write_png(path, picture);
    Record record{{{"image", path}}, path};
    set_boxes(record, boxes);
    records.push_back(std::move(record));
  }
  return data::records(std::move(records));
}

Model detector(image::AugmentOptions augment = {}) {
  image::PicturesOptions options{.height = side, .width = side, .fit = image::Fit::Stretch, .places = true};
  options.augment = augment;
  const image::Pictures pictures(options);
  const Backbone backbone = Backbone::load(test::golden_path("vision_script.pt"));
  return Model(backbone,
               head::Detector(
                   {.labels = {"blue", "red"}, .levels = backbone::pyramid_levels(backbone, pictures), .channels = 16, .convolutions = 1}),
               pictures, {.device = "cpu"});
}

const image::Pictures& pictures_of(const Model& model) { return dynamic_cast<const image::Pictures&>(*model.preprocess()); }

}  // namespace

TEST_CASE("A detector learns; a picture is decoded once, and the frozen part runs in the first epoch only", "[train]") {
  const test::TempDir folder;
  const Splits data{squares(folder.path(), 32, 1), squares(folder.path(), 8, 2), {}};
  Model model = detector({.horizontal_flip = 0.5, .vertical_flip = 0.5});
  const double before = Evaluator().run(model, data.valid).metric("ap50");
  const TrainReport report = Trainer({.epochs = 16, .batch_size = 8, .lr = 5e-3, .store = FeatureStore({.views = 4})}).fit(model, data);
  const double after = Evaluator().run(model, data.valid).metric("ap50");
  INFO(before << " " << after);
  CHECK(before < 0.2);
  CHECK(after > 0.7);
  CHECK(report.history.back().train_loss < 0.6 * report.history.front().train_loss);

  CHECK(pictures_of(model).decoded() == 40);
  REQUIRE(report.frozen_samples.size() == 16);
  CHECK(report.frozen_samples.front() >= 4 * 32 + 8);
  for (std::size_t epoch = 1; epoch < report.frozen_samples.size(); ++epoch) CHECK(report.frozen_samples[epoch] == 0);
}

TEST_CASE("A detector whose features are stored learns what it learns without a store", "[train]") {
  const test::TempDir folder;
  const Splits data{squares(folder.path(), 12, 3), {}, {}};
  const auto loss = [&](const FeatureStore& store) {
    Model model = detector();
    return Trainer({.epochs = 3, .batch_size = 4, .store = store}).fit(model, data).history.back().train_loss;
  };
  CHECK(loss(FeatureStore()) == Approx(loss(FeatureStore::off())).epsilon(1e-4));
}

TEST_CASE("A detector on a backbone that trains", "[train]") {
  const test::TempDir folder;
  const Splits data{squares(folder.path(), 24, 4), squares(folder.path(), 8, 5), {}};
  Model model = detector({.horizontal_flip = 0.5});
  model.freeze(Freeze::up_to("layer1"));
  const TrainReport report = Trainer({.epochs = 5, .batch_size = 8, .lr = 5e-3, .backbone_lr_ratio = 0.5}).fit(model, data);
  CHECK(report.history.back().train_loss < 0.8 * report.history.front().train_loss);
  CHECK(std::isfinite(report.history.back().valid_loss.value()));
}
