#include "graft/data/mixing.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "graft/data/loader.h"
#include "numbers.h"
#include "support.h"

using namespace graft;
using test::Numbers;

namespace {

Fields shares(const Fields& first, const Fields& second, double share) { return {{"y", first["y"] * share + second["y"] * (1 - share)}}; }

Sample sample(std::vector<float> pixels, float target) {
  return {{{"image", at::tensor(pixels).view({1, 2, 2})}, {"id", at::scalar_tensor(target, at::kLong)}}, {{"y", at::full({1}, target)}}, 7};
}

/// Pictures [1, 4, 4] of their record's number plus a random tenth.
class Plain final : public Preprocess {
 public:
  explicit Plain(int samples = 1) : samples_(samples) {}
  std::vector<Sample> operator()(const Record& record, Rng& rng, Mode) const override {
    const auto number = static_cast<double>(std::get<std::int64_t>(record.values.at("number")));
    const Sample each{{{"image", at::full({1, 4, 4}, number + rng.uniform() / 10)}}, {}, 0};
    return std::vector<Sample>(static_cast<std::size_t>(samples_), each);
  }
  nlohmann::json config() const override { return {}; }
  Record example() const override { return {}; }

 private:
  int samples_;
};

void number(const Record& record, std::span<Sample> samples) {
  for (Sample& each : samples)
    each.targets.set("y", at::full({1}, static_cast<double>(std::get<std::int64_t>(record.values.at("number"))), at::kDouble));
}

/// By record: the mixed picture and target of an epoch.
std::vector<Fields> epoch(const LoaderOptions& options, std::size_t size = 12) {
  Loader loader(Data(std::make_shared<Numbers>(size)), std::make_shared<Plain>(), number, options);
  std::vector<Fields> found(size);
  while (const auto batch = loader.next()) {
    for (std::int64_t i = 0; i < batch->size(); ++i) {
      const auto record = static_cast<std::size_t>(batch->records[static_cast<std::size_t>(i)]);
      found[record] = {{"image", batch->inputs["image"][i]}, {"y", batch->targets["y"][i]}};
    }
  }
  return found;
}

bool equal(const std::vector<Fields>& a, const std::vector<Fields>& b) {
  return std::ranges::equal(a, b, [](const Fields& x, const Fields& y) { return x["image"].equal(y["image"]) && x["y"].equal(y["y"]); });
}

}  // namespace

TEST_CASE("mixup: pictures and targets in the shares, all else the first's", "[data]") {
  const Sample first = sample({0, 4, 8, 12}, 1), second = sample({4, 4, 0, -4}, 3);
  const Sample mixture = data::mixup(first, second, 0.25, shares);
  CHECK(mixture.inputs["image"].flatten().equal(at::tensor({3.0F, 4.0F, 2.0F, 0.0F})));
  CHECK(mixture.targets["y"].item<float>() == 2.5F);
  CHECK(mixture.inputs["id"].item<std::int64_t>() == 1);
  CHECK(mixture.record == 7);
  CHECK(first.inputs["image"].flatten().equal(at::tensor({0.0F, 4.0F, 8.0F, 12.0F})));
}

TEST_CASE("cutmix: a rectangle of the second, and targets by what it covers", "[data]") {
  const Sample first = sample({0, 4, 8, 12}, 1), second = sample({1, 2, 3, -4}, 3);
  const Sample column = data::cutmix(first, second, {.top = 0, .left = 1, .height = 2, .width = 1}, shares);
  CHECK(column.inputs["image"].flatten().equal(at::tensor({0.0F, 2.0F, 8.0F, -4.0F})));
  CHECK(column.targets["y"].item<float>() == 2.0F);
  const Sample corner = data::cutmix(first, second, {.top = 1, .left = 0, .height = 1, .width = 1}, shares);
  CHECK(corner.inputs["image"].flatten().equal(at::tensor({0.0F, 4.0F, 3.0F, 12.0F})));
  CHECK(corner.targets["y"].item<float>() == 1.5F);
  CHECK(data::cutmix(first, second, {}, shares).targets["y"].item<float>() == 1.0F);
  CHECK(first.inputs["image"].flatten().equal(at::tensor({0.0F, 4.0F, 8.0F, 12.0F})));  // it may be kept for another epoch
}

TEST_CASE("beta_share: mean and variance are those of Beta(alpha, alpha), and of 1 it is uniform", "[data]") {
  const double alpha = GENERATE(0.05, 0.2, 1.0, 4.0);
  Rng rng(3);
  constexpr int n = 40000;
  double sum = 0, squares = 0, fourth = 0;
  int below = 0;
  bool inside = true;
  for (int i = 0; i < n; ++i) {
    const double share = data::beta_share(alpha, rng), off = share - 0.5;
    inside &= share >= 0 && share <= 1;
    sum += off;
    squares += off * off;
    fourth += off * off * off * off;
    below += share < 0.1 ? 1 : 0;
  }
  CHECK(inside);
  const double variance = 1 / (4 * (2 * alpha + 1));
  CHECK(std::abs(sum / n) < 5 * std::sqrt(variance / n));
  CHECK(squares / n == Approx(variance).epsilon(0.02));
  CHECK(fourth / n == Approx(variance * variance * (3 - 6 / (2 * alpha + 3))).epsilon(0.04));  // its excess kurtosis is -6 / (2 alpha + 3)
  if (alpha == 1) CHECK(below / static_cast<double>(n) == Approx(0.1).epsilon(0.05));
}

TEST_CASE("random_rectangle: of its share before it is cut at the edges, its centre anywhere", "[data]") {
  Rng rng(1);
  std::int64_t whole = 0;
  double rows = 0;
  for (int i = 0; i < 4000; ++i) {
    const data::Rectangle place = data::random_rectangle(40, 80, 0.25, rng);
    CHECK((place.top >= 0 && place.left >= 0 && place.top + place.height <= 40 && place.left + place.width <= 80));
    CHECK((place.height >= 10 && place.height <= 20 && place.width >= 20 && place.width <= 40));
    whole += place.height == 20 && place.width == 40 ? 1 : 0;
    rows += static_cast<double>(place.height) / 4000;
  }
  CHECK(static_cast<double>(whole) / 4000 == Approx(0.25).margin(0.04));  // the centre lies in the middle half, both ways
  CHECK(rows == Approx(17.5).margin(0.3));
  const data::Rectangle none = data::random_rectangle(40, 80, 0, rng);
  CHECK(none.height * none.width == 0);
}

TEST_CASE("Loader: mixtures depend on record, seed and epoch, not on order, batches, threads or where a pass begins", "[loader]") {
  const bool cuts = GENERATE(false, true);
  const MixOptions mix{.mixup = cuts ? 0.0 : 1.0, .cutmix = cuts ? 1.0 : 0.0, .targets = shares};
  const LoaderOptions base{.batch_size = 4, .mode = Mode::Train, .seed = 5, .epoch = 2, .threads = 0, .mix = mix};
  const std::vector<Fields> found = epoch(base);
  LoaderOptions other = base;
  other.threads = 3;
  other.batch_size = 5;
  other.order = Order::Shuffled;
  CHECK(equal(epoch(other), found));
  other.records = {{9, 3, 11}};
  const std::vector<Fields> rest = epoch(other);
  for (const std::size_t record : {3, 9, 11}) CHECK(rest[record]["image"].equal(found[record]["image"]));
  other = base;
  other.epoch = 3;
  CHECK_FALSE(equal(epoch(other), found));
  other = base;
  other.seed = 6;
  CHECK_FALSE(equal(epoch(other), found));
}

TEST_CASE("Loader: the partner of a mixture is prepared as in its own turn", "[loader]") {
  const LoaderOptions base{.mode = Mode::Train, .seed = 5, .epoch = 2, .threads = 0};
  const std::vector<Fields> plain = epoch(base);
  LoaderOptions mixing = base;
  mixing.mix = {.cutmix = 1, .targets = shares};
  const std::vector<Fields> found = epoch(mixing);
  std::set<std::size_t> partners;
  for (std::size_t i = 0; i < found.size(); ++i) {
    std::int64_t own = 0, known = 0;
    for (std::size_t j = 0; j < plain.size(); ++j) {
      const std::int64_t pixels = found[i]["image"].eq(plain[j]["image"][0][0][0]).sum().item<std::int64_t>();
      known += pixels;
      if (j == i) own = pixels;
      if (j != i && pixels > 0) {
        partners.insert(j);
        CHECK(found[i]["y"].item<double>() == Approx(static_cast<double>(i) * (1 - static_cast<double>(pixels) / 16) +
                                                     static_cast<double>(j * static_cast<std::size_t>(pixels)) / 16));
      }
    }
    CHECK(known == 16);
    if (own == 16) CHECK(found[i]["y"].item<double>() == Approx(static_cast<double>(i)));
  }
  CHECK(partners.size() > 3);
}

TEST_CASE("Mixing says what it cannot mix", "[data][error]") {
  const Sample picture = sample({0, 4, 8, 12}, 1), texts{{{"ids", at::zeros({4}, at::kLong)}}, {}, 0};
  Sample larger = picture;
  larger.inputs.set("image", at::zeros({1, 3, 2}));
  const auto none = test::error_of<ConfigError>([&] { data::mixup(texts, texts, 0.5, [](auto&&...) { return Fields(); }); });
  CHECK(none.code() == "graft-C114");
  CHECK(none.message() == "[Mixing] pictures, floating inputs [C, H, W], are wanted to mix, got \"ids [4]\".");
  const auto sizes = test::error_of<ConfigError>([&] { data::cutmix(picture, larger, {}, shares); });
  CHECK(sizes.message().find("pictures of one size are wanted to mix, got \"image [1, 3, 2]\"") != std::string::npos);

  const Data data(std::make_shared<Numbers>(3));
  Loader windows(data, std::make_shared<Plain>(2), number, {.threads = 0, .mix = {.mixup = 1, .targets = shares}});
  CHECK(test::error_of<ConfigError>([&] { windows.next(); }).code() == "graft-C114");
  const MixOptions wrong = GENERATE(MixOptions{.mixup = -1, .targets = shares}, MixOptions{.cutmix = 1});
  CHECK(test::error_of<ConfigError>([&] { Loader(data, std::make_shared<Plain>(), number, {.mix = wrong}); }).code() == "graft-C006");
}
