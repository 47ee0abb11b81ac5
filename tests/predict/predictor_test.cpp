#include "graft/predict/predictor.h"

#include "graft/model/model.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

Model with_random_head() {
  Model model = test::toy_model();
  const c10::NoGradGuard no_grad;
  for (auto [name, tensor] : model.trainable()) tensor.normal_();
  return model;
}

}  // namespace

TEST_CASE("Predictor: answers texts as the model does, in their order", "[predict]") {
  const test::TempDir folder;
  Model model = with_random_head();
  model.save(folder.file("m.pt"));
  const Predictor predictor = Predictor::load(folder.file("m.pt"), {.device = "cpu"});
  const std::vector<std::string> texts{"a b c", "h i j h i j x", "p"};
  const auto answers = predictor.batch(texts);
  REQUIRE(answers.size() == 3);
  const auto& tokenizer = dynamic_cast<const text::Tokenizer&>(*model.preprocess());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const at::Tensor ids = at::tensor(tokenizer.ids(texts[i]), at::kLong).unsqueeze(0);
    const auto expected = model.head().decode(model({{"input_ids", ids}}), Batch{{}, {}, {0}}, {}).at(0);
    CHECK(answers[i].label == expected.label);
    CHECK(answers[i].score == Approx(expected.score).epsilon(1e-4));
    CHECK(predictor(texts[i]).label == expected.label);
  }
  CHECK(predictor.batch(test::toy_messages(5)).size() == 5);
}

TEST_CASE("Predictor: a user's head answers with its outputs where its factory is not given", "[predict]") {
  const test::TempDir folder;
  Model(test::tiny_bert(), test::Regressor(32), text::Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"), {.text = "message"}),
        {.device = "cpu"})
      .save(folder.file("m.pt"));
  const Decoded answer = Predictor::load(folder.file("m.pt"), {.device = "cpu"})("a b");
  CHECK(answer.label.empty());
  CHECK(answer.values.has("length"));
}

TEST_CASE("Predictor says what it cannot use", "[predict][error]") {
  CHECK(test::error_of<CheckpointError>([] { Predictor::load(test::golden_path("vision_script.pt"), {.device = "cpu"}); }).code() ==
        "graft-K010");
  const test::TempDir folder;
  test::toy_vision_model().save(folder.file("m.pt"));
  const Predictor pictures = Predictor::load(folder.file("m.pt"), {.device = "cpu"});
  CHECK(test::error_of<ModelError>([&] { pictures("a text"); }).code() == "graft-M012");
  CHECK(pictures.batch(test::toy_pictures(3)).size() == 3);
}
