#include "graft/head/detector.h"

#include "gradients.h"
#include "head/builtin.h"
#include "head/detect_script.h"
#include "support.h"

using namespace graft;
using head::Detector;

namespace {

const std::vector<std::string> labels{"cell", "plate", "rest"};

head::DetectorOptions options(std::int64_t channels = 8) {
  return {.labels = labels,
          .levels = {"fine", "middle", "coarse"},
          .channels = channels,
          .maps = {{6, 8, 8, 12}, {10, 16, 4, 6}, {4, 32, 2, 3}}};
}

Fields maps(std::int64_t count = 2, std::int64_t scale = 1) {
  at::manual_seed(1);
  return {{"level_0", at::randn({count, 6, 8 * scale, 12 * scale})},
          {"level_1", at::randn({count, 10, 4 * scale, 6 * scale})},
          {"level_2", at::randn({count, 4, 2 * scale, 3 * scale})}};
}

Record picture(std::vector<GivenBox> boxes) {
  Record record{{}, "blood/1.xml"};
  set_boxes(record, boxes);
  return record;
}

Fields targets_of(const Detector& detector, const Record& record) {
  std::vector<Sample> samples(1);
  detector.targets(record, samples);
  return {{"labels", samples[0].targets["labels"].unsqueeze(0)}, {"sides", samples[0].targets["sides"].unsqueeze(0)}};
}

}  // namespace

TEST_CASE("Detector: the choice of boxes is that of torchvision's FCOS", "[head]") {
  const Json golden = test::golden("fcos.json");
  const head::Script detect(head::detect_script(options()));
  const auto input = [&](const char* name) { return test::tensor_of(golden["inputs"][name]); };
  const auto found = detect({input("class_logits"), input("sides"), input("center_logits"), at::zeros({2, 1, 8, 12}),
                             at::zeros({2, 1, 4, 6}), at::zeros({2, 1, 2, 3})});
  REQUIRE(found.size() == 3);
  for (std::size_t n = 0; n < 2; ++n) {
    const Json& expected = golden["answers"][n];
    const auto row = static_cast<std::int64_t>(n), count = static_cast<std::int64_t>(expected["scores"].size());
    CHECK(test::max_difference(found[1][row].narrow(0, 0, count), test::tensor_of(expected["scores"])) < 1e-5);
    CHECK(test::max_difference(found[0][row].narrow(0, 0, count), test::tensor_of(expected["boxes"])) < 1e-3);
    CHECK(at::equal(found[2][row].narrow(0, 0, count), test::tensor_of(expected["labels"])));
  }
}

TEST_CASE("Detector: boxes overlapped by a surer one of their class give way, others stay", "[head]") {
  const head::Script detect(head::detect_script({.labels = {"a", "b"}, .most_objects = 5, .maps = {{1, 8, 1, 4}}}));
  // Four places in a row; each box 16 pixels wide around its place, so that neighbours share a third of what both cover.
  at::Tensor logits = at::full({1, 4, 2}, -9.0);
  logits[0][0][0] = 3.0, logits[0][1][0] = 2.0, logits[0][2][0] = 1.0, logits[0][3][1] = 2.5;
  const at::Tensor sides = at::ones({4}).expand({1, 4, 4}), sure = at::full({1, 4}, 9.0);
  const auto count = [&](double overlap) {
    const head::Script chosen(head::detect_script({.labels = {"a", "b"}, .overlap = overlap, .most_objects = 5, .maps = {{1, 8, 1, 4}}}));
    return chosen({logits, sides, sure, at::zeros({1, 1, 1, 4})})[1].gt(0).sum().item<std::int64_t>();
  };
  CHECK(count(0.9) == 4);
  // The second falls to the first; with it gone the third stands again, as greedy suppression has it.
  CHECK(count(0.3) == 3);
  const auto found = detect({logits, sides, sure, at::zeros({1, 1, 1, 4})});
  CHECK(found[0].sizes() == at::IntArrayRef{1, 5, 4});
  CHECK(found[2][0][1].item<std::int64_t>() == 1);  // the second best is of the other class
  CHECK(found[1][0][4].item<float>() == 0);
}

TEST_CASE("Detector: shapes, loss and gradients", "[head]") {
  Detector detector(options());
  const Fields targets = targets_of(detector, picture({{{5, 6, 30, 28, "cell"}}, {{20, 8, 90, 60, "rest"}}}));
  detector.set_training(true);
  const Fields raw = detector.forward(maps(1));
  CHECK_FALSE(raw.has("boxes"));
  CHECK(raw["class_logits"].sizes() == at::IntArrayRef{1, 126, 3});
  CHECK(detector.weights(targets)["class"].item<float>() == targets["labels"].ge(0).sum().item<float>());
  test::check_gradients(
      detector,
      [&] {
        at::Tensor sum = at::zeros({});
        for (const auto& [name, term] : detector.loss(detector.forward(maps(1)), targets)) sum = sum + term;
        return sum;
      },
      0.05, 1e-3);

  SECTION("a picture without objects has a loss") {
    const Fields none = targets_of(detector, picture({}));
    CHECK(detector.weights(none)["box"].item<float>() == 1);
    CHECK(detector.loss(raw, none)["box"].item<float>() == 0);
    CHECK(detector.loss(raw, none)["class"].item<float>() > 0);
  }
  SECTION("pictures of another size") {
    detector.set_training(false);
    const Fields outputs = detector.forward(maps(3, 2));
    CHECK(outputs["boxes"].sizes() == at::IntArrayRef{3, 100, 4});
    CHECK(outputs["class_logits"].size(1) == 4 * 126);
  }
}

TEST_CASE("Detector: boxes come back in pixels of the picture", "[head]") {
  const Detector detector(options());
  Batch batch{{{"geometry", at::tensor(std::vector<float>{0.5F, 0, 4, 0, 0.25F, 0}).view({1, 2, 3})},
               {"frame", at::tensor(std::vector<std::int64_t>{120, 100, 64, 96}).view({1, 4})}},
              {},
              {0}};
  const Fields outputs{{"boxes", at::tensor(std::vector<float>{14, 5, 60, 20, 0, 0, 0, 0}).view({1, 2, 4})},
                       {"scores", at::tensor(std::vector<float>{0.75F, 0}).view({1, 2})},
                       {"classes", at::tensor(std::vector<std::int64_t>{1, 0}).view({1, 2})}};
  const Decoded answer = detector.decode(outputs, batch, {}).front();
  REQUIRE(answer.boxes.size() == 1);
  const Box& box = answer.boxes.front();
  CHECK(box.label == "plate");
  CHECK(box.score == 0.75);
  CHECK(box.x1 == 20);
  CHECK(box.x2 == 100);  // 112 lies outside
  CHECK(box.y1 == 20);
  CHECK(box.y2 == 80);

  std::vector<Sample> samples(1);
  for (const auto& [name, tensor] : batch.inputs) samples[0].inputs.set(name, tensor[0]);
  detector.targets(picture({{{20, 20, 100, 80, "plate"}}}), samples);
  const at::Tensor sides = samples[0].targets["sides"], label = samples[0].targets["labels"];
  const std::int64_t place = label.eq(1).nonzero()[0][0].item<std::int64_t>();
  CHECK((sides[place][0] + sides[place][2]).item<float>() * 8 == Approx(40));
}

TEST_CASE("Detector comes back from its config", "[head]") {
  const Detector detector(options());
  const auto again = head::make_builtin(detector.config());
  REQUIRE(again != nullptr);
  CHECK(again->config() == detector.config());
  CHECK(again->parameters().names() == detector.parameters().names());
}

TEST_CASE("Detector says what does not fit", "[head][error]") {
  CHECK(test::error_of<ConfigError>([] { Detector({.labels = {"a", "a"}, .channels = 9, .overlap = 2}); }).problems().size() == 4);
  Detector detector({.labels = labels, .levels = {"fine", "coarse"}, .channels = 8});
  const at::Tensor image = at::zeros({1, 3, 64, 96});
  const auto error = test::error_of<ModelError>([&] {
    detector.build({{"fine", at::zeros({1, 4, 8, 12})}, {"coarse", at::zeros({1, 4, 8, 12})}, {"image", image}});
  });
  CHECK(error.code() == "graft-M034");
  CHECK(error.message().find("\"coarse\" is [1, 4, 8, 12]") != std::string::npos);
  CHECK(test::error_of<ModelError>([&] {
          detector.build({{"fine", at::zeros({1, 4, 8, 12})}, {"coarse", at::zeros({1, 4, 4, 6})}});
        }).code() == "graft-M033");
  CHECK(test::error_of<DataError>([] {
          targets_of(Detector(options()), picture({{{1, 1, 30, 30, "cel"}}}));
        })
            .remedy()
            .find("cell") != std::string::npos);
}
