#include "graft/head/detector.h"

#include <cstdlib>

#include "graft/backbone/pyramid.h"
#include "graft/data/tensor_inputs.h"
#include "graft/model/model.h"
#include "graft/predict/predictor.h"
#include "graph/network.h"
#include "support.h"

using namespace graft;

namespace {

Model detector() {
  return Model(Backbone::load(test::golden_path("vision_script.pt")),
               head::Detector({.labels = {"dot", "bar"}, .levels = {"layer1", "layer2"}, .channels = 8, .least_score = 0.001}),
               TensorInputs({{"x", at::zeros({3, 16, 16})}}), {.device = "cpu"});
}

/// Logits that differ, so that there is something to choose from.
void stir(Model& model) {
  const c10::NoGradGuard no_grad;
  at::manual_seed(5);
  for (auto [name, tensor] : model.trainable()) tensor.normal_(0, 0.3);
}

}  // namespace

TEST_CASE("pyramid_levels finds the last blocks of the coarsest resolutions", "[model]") {
  const Backbone backbone = Backbone::load(test::golden_path("vision_script.pt"));
  const TensorInputs pictures({{"x", at::zeros({3, 32, 32})}}), points({{"x", at::zeros({3, 1, 1})}});
  CHECK(backbone::pyramid_levels(backbone, pictures) == std::vector<std::string>{"layer1", "layer2"});
  CHECK(test::error_of<ModelError>([&] { backbone::pyramid_levels(backbone, points); }).code() == "graft-M035");
}

TEST_CASE("Saved detector: the same boxes as the model, on pictures of three sizes", "[model]") {
  const test::TempDir folder;
  Model model = detector();
  stir(model);
  model.save(folder.file("detector.pt"));
  const graph::Network network = graph::Network::load(folder.file("detector.pt"));
  const Model again = Model::load(folder.file("detector.pt"), {.device = "cpu"});
  const c10::NoGradGuard no_grad;
  for (const auto& [rows, height, width] : {std::tuple{1, 16, 16}, std::tuple{2, 24, 40}, std::tuple{3, 50, 18}}) {
    const at::Tensor x = at::randn({rows, 3, height, width});
    const Fields expected = model({{"x", x}}), loaded = again({{"x", x}}), raw = network({x});
    CHECK(expected["scores"][0][0].item<float>() > 0);
    CHECK(test::max_difference(loaded["boxes"], expected["boxes"]) < 1e-3);
    CHECK(test::max_difference(raw["output.0"], expected["boxes"]) < 1e-3);
    CHECK(test::max_difference(raw["output.1"], expected["scores"]) < 1e-5);
    CHECK(at::equal(raw["output.2"], expected["classes"]));
  }
  const Predictor predictor = Predictor::load(folder.file("detector.pt"), {.device = "cpu"});
  const Decoded answer = predictor(Fields{{"x", at::randn({3, 16, 16})}});
  REQUIRE_FALSE(answer.boxes.empty());
  CHECK((answer.boxes.front().label == "dot" || answer.boxes.front().label == "bar"));
}

TEST_CASE("Saved detector: cases for Python, pictures of three sizes", "[.][python]") {
  const char* folder = std::getenv("GRAFT_CHECK_DIR");
  REQUIRE(folder != nullptr);
  const std::string base = folder;
  Model model = detector();
  stir(model);
  model.save(base + "/detector.pt");
  const c10::NoGradGuard no_grad;
  Json expected{{"inputs", Predictor::load(base + "/detector.pt").inputs()}, {"outputs", Json::array()}, {"cases", Json::array()}};
  for (const auto& [rows, height, width] : {std::tuple{1, 16, 16}, std::tuple{2, 24, 40}, std::tuple{3, 50, 18}}) {
    const at::Tensor x = at::randn({rows, 3, height, width});
    Json outputs = Json::object();
    expected["outputs"] = Json::array();
    for (const auto& [name, tensor] : model({{"x", x}})) {
      expected["outputs"].push_back(name);
      outputs[name] = test::list_of(tensor);
    }
    expected["cases"].push_back({{"inputs", {{"x", test::list_of(x)}}}, {"outputs", outputs}});
  }
  test::write(base + "/detector.json", expected.dump());
  CHECK(expected["outputs"].front() == "boxes");
}
