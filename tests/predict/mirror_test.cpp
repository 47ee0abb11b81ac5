#include "predict/mirror.h"

#include <ATen/ATen.h>

#include "graft/data/tensor_inputs.h"
#include "graft/head/classifier.h"
#include "graft/head/detector.h"
#include "graft/model/model.h"
#include "graft/predict/predictor.h"
#include "support.h"
#include "toys.h"

using namespace graft;

TEST_CASE("with_mirror: pictures are mirrored from left to right, outputs averaged", "[predict]") {
  const head::Classifier head({.labels = {"a", "b"}, .width = 2});
  const Fields inputs{{"image", at::tensor({1.0F, 2.0F, 5.0F, 7.0F}).view({1, 1, 2, 2})}, {"id", at::tensor({3}, at::kLong)}};
  const Fields mean = predict::with_mirror(head, inputs, [](const Fields& seen) {
    const at::Tensor left_upper = seen["image"].select(3, 0).select(2, 0);
    return Fields{{"corner", left_upper}, {"whole", left_upper.to(at::kLong)}, {"id", seen["id"]}};
  });
  CHECK(mean["corner"].item<float>() == 1.5F);
  CHECK(mean["whole"].item<std::int64_t>() == 1);
  CHECK(mean["id"].item<std::int64_t>() == 3);
}

TEST_CASE("Predictor: with mirror images answers are those of the mean of two predictions", "[predict]") {
  const test::TempDir folder;
  Model model = test::toy_vision_model();
  {
    const c10::NoGradGuard no_grad;
    model.head().parameters()["weight"].mul_(10);  // the first weights of a head are near 0
  }
  model.save(folder.file("m.pt"));
  const Predictor predictor = Predictor::load(folder.file("m.pt"), {.device = "cpu", .top = 3});
  const Data data = test::toy_pictures(5, 8);
  const std::vector<Decoded> answers = predictor.batch(data, {.mirrored = true});
  const c10::NoGradGuard no_grad;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const at::Tensor x = data.get(i).tensor("x").unsqueeze(0);
    const at::Tensor plain = model({{"x", x}})["logits"], other = model({{"x", x.flip(3)}})["logits"];
    CHECK(test::max_difference(plain, other) > 1e-3);
    const at::Tensor expected = ((plain + other) / 2).softmax(-1);
    CHECK(answers[i].score == Approx(expected.max().item<double>()).epsilon(1e-4));
    CHECK(answers[i].label == std::to_string(expected.argmax().item<std::int64_t>()));
    CHECK(predictor.batch({{"x", x}}, {.mirrored = true}).front().score == Approx(answers[i].score).epsilon(1e-5));
  }
}

TEST_CASE("with_mirror says what cannot be averaged", "[predict][error]") {
  const head::Classifier classifier({.labels = {"a", "b"}, .width = 2});
  const auto network = [](const Fields& seen) { return seen; };
  const auto texts = test::error_of<ConfigError>([&] {
    predict::with_mirror(classifier, {{"ids", at::zeros({1, 4}, at::kLong)}}, network);
  });
  CHECK(texts.code() == "graft-C116");
  CHECK(texts.message() == "[Mirror] pictures, floating inputs [N, C, H, W], are wanted to mirror, got \"ids\".");
  const head::Detector detector({.labels = {"cell"}, .levels = {"map"}, .maps = {{.width = 8, .stride = 8, .rows = 2, .columns = 2}}});
  const auto places = test::error_of<ConfigError>([&] { predict::with_mirror(detector, {{"image", at::zeros({1, 3, 4, 4})}}, network); });
  CHECK(places.message().find("are no places in the picture") != std::string::npos);
}
