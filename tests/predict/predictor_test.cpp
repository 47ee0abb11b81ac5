#include "graft/predict/predictor.h"

#include <torch/csrc/jit/api/module.h>

#include <atomic>
#include <thread>

#include "graft/data/tensor_inputs.h"
#include "graft/model/model.h"
#include "graph/builder.h"
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

TEST_CASE("Predictor: texts, records and tensors, single or in batches, get the same answers", "[predict]") {
  const test::TempDir folder;
  Model model = with_random_head();
  model.save(folder.file("m.pt"));
  const Predictor predictor = Predictor::load(folder.file("m.pt"), {.device = "cpu", .top = 2});
  const Decoded answer = predictor("a b c");
  REQUIRE(answer.top.size() == 2);
  CHECK(answer.top[0].first == answer.label);
  CHECK(answer.top[0].second >= answer.top[1].second);
  CHECK(predictor(Record{{{"message", std::string("a b c")}}}).score == Approx(answer.score).epsilon(1e-5));

  const auto& tokenizer = dynamic_cast<const text::Tokenizer&>(*model.preprocess());
  const at::Tensor ids = at::tensor(tokenizer.ids("a b c"), at::kLong);
  CHECK(predictor(Fields{{"input_ids", ids}}).score == Approx(answer.score).epsilon(1e-5));
  const auto both = predictor.batch(Fields{{"input_ids", at::stack({ids, ids})}});
  REQUIRE(both.size() == 2);
  CHECK(both[1].score == Approx(answer.score).epsilon(1e-5));

  CHECK((predictor.fields() == std::vector<std::string>{"message"}));
  CHECK((predictor.inputs() == std::vector<std::string>{"input_ids", "attention_mask"}));
  CHECK((predictor.labels() == std::vector<std::string>{"A", "B", "C"}));
}

TEST_CASE("Predictor: eight threads that share it get what one gets", "[predict]") {
  const test::TempDir folder;
  with_random_head().save(folder.file("m.pt"));
  const Predictor predictor = Predictor::load(folder.file("m.pt"), {.device = "cpu"});
  std::vector<std::string> texts;
  const Data messages = test::toy_messages(32);
  for (std::size_t i = 0; i < messages.size(); ++i) texts.push_back(messages.get(i).text("message"));
  const std::vector<Decoded> expected = predictor.batch(texts);
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> askers;
    for (std::size_t t = 0; t < 8; ++t) {
      askers.emplace_back([&, t] {
        for (std::size_t i = 0; i < texts.size(); ++i) {
          const std::size_t at = (i + 4 * t) % texts.size();
          const Decoded answer = predictor(texts[at]);
          if (answer.label != expected[at].label || std::abs(answer.score - expected[at].score) > 1e-4) ++wrong;
        }
      });
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("Predictor: a network that keeps state starts every call from the saved one", "[predict]") {
  const test::TempDir folder;
  graph::Builder builder("Counter");
  graph::Network network = builder.network();
  network.module().register_buffer("seen", at::zeros({1}));
  builder.define("def forward(self, x):\n    self.seen.add_(1)\n    return x + self.seen\n");
  {
    Model model(Backbone(network), head::Classifier({.labels = {"a", "b"}}), TensorInputs({{"x", at::ones({3})}}), {.device = "cpu"});
    model.save(folder.file("m.pt"));
  }
  const Predictor predictor = Predictor::load(folder.file("m.pt"), {.device = "cpu"});
  const double first = predictor(Fields{{"x", at::ones({3})}}).score;
  for (int i = 0; i < 3; ++i) CHECK(predictor(Fields{{"x", at::ones({3})}}).score == first);
}

TEST_CASE("Predictor: a stop ends a batch early and leaves the rest unanswered", "[predict]") {
  const test::TempDir folder;
  with_random_head().save(folder.file("m.pt"));
  const Predictor predictor = Predictor::load(folder.file("m.pt"), {.device = "cpu"});
  std::stop_source source;
  std::int64_t told = 0;
  const auto answers = predictor.batch(test::toy_messages(400), {.progress =
                                                                     [&](const Progress& progress) {
                                                                       told = progress.done;
                                                                       source.request_stop();
                                                                     },
                                                                 .stop = source.get_token()});
  REQUIRE(answers.size() == 400);
  const auto given = std::ranges::count_if(answers, [](const Decoded& answer) { return !answer.label.empty(); });
  CHECK(given == told);
  CHECK(given < 400);
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
