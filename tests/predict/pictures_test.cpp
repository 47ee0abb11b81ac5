#include "graft/image/pictures.h"

#include "graft/data/collate.h"
#include "graft/head/classifier.h"
#include "graft/image/picture.h"
#include "graft/model/model.h"
#include "graft/predict/predictor.h"
#include "support.h"

using namespace graft;

TEST_CASE("Predictor: a saved model prepares pictures as it was trained on them", "[predict]") {
  const test::TempDir folder;
  const image::Pictures pictures(
      {.height = 16, .width = 16, .crop_share = 0.8, .interpolation = image::Interpolation::Bicubic, .augment = {.horizontal_flip = 0.5}});
  Model model(Backbone::load(test::golden_path("vision_script.pt")), head::Classifier({.labels = {"0", "1", "2"}}), pictures,
              {.device = "cpu"});
  {
    const c10::NoGradGuard no_grad;
    for (auto [name, tensor] : model.trainable()) tensor.normal_();
  }
  model.save(folder.file("m.pt"));
  const Predictor predictor = Predictor::load(folder.file("m.pt"), {.device = "cpu"});
  for (const std::string name : {"rgb.png", "turned_6.jpg", "cmyk.jpg"}) {
    const Record record{{{"image", test::golden_path("pictures/" + name)}}, name};
    Rng rng(0);
    const std::vector<Sample> samples = pictures(record, rng, Mode::Eval);
    const Batch batch = collate(samples, {});
    const Decoded expected = model.head().decode(model(batch.inputs), batch, {}).at(0), answer = predictor(record);
    CHECK(answer.label == expected.label);
    CHECK(answer.score == Approx(expected.score).epsilon(1e-4));
  }
  CHECK(predictor.fields() == std::vector<std::string>{"image"});
  const auto error = test::error_of<DataError>([&] { predictor({{{"image", std::string("no_such.png")}}, "x"}); });
  CHECK(error.code() == "graft-D002");
}
