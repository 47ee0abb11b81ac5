#include <fstream>

#include "graft/data/tensor_inputs.h"
#include "graft/model/model.h"
#include "graft/predict/predictor.h"
#include "graph/network.h"
#include "predict/saved_file.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

at::Tensor random_ids(std::int64_t rows, std::int64_t length) { return at::randint(5, 150, {rows, length}, at::kLong); }

/// Its answer depends on a size that it reads as a number, so its recorded form is wrong for others.
class Naive final : public Head {
 public:
  std::vector<Feature> reads() const override { return {{.name = "tokens", .mask = "attention_mask"}}; }
  void targets(const Record&, std::span<Sample>) const override {}
  Fields forward(const Fields& features) const override {
    return {{"y", features["tokens"].sum({1, 2}) / static_cast<double>(features["tokens"].size(1))}};
  }
  Terms loss(const Fields& outputs, const Fields&) const override { return {{"sum", outputs["y"].sum()}}; }
  Json config() const override { return {{"type", "naive"}}; }
};

}  // namespace

TEST_CASE("Saved file: as a network and as a model it gives the same outputs, for other sizes", "[model]") {
  const test::TempDir folder;
  Model model = test::toy_model();
  {
    const c10::NoGradGuard no_grad;
    for (auto [name, tensor] : model.trainable()) tensor.normal_();
  }
  model.save(folder.file("model.pt"));
  const graph::Network network = graph::Network::load(folder.file("model.pt"));
  Model again = Model::load(folder.file("model.pt"), {.device = "cpu"});
  for (const auto& [rows, length] : {std::pair{1, 5}, std::pair{3, 17}, std::pair{8, 30}}) {
    const at::Tensor ids = random_ids(rows, length);
    at::Tensor mask = at::ones_like(ids);
    mask[rows - 1].narrow(0, 3, length - 3).zero_();
    const at::Tensor expected = model({{"input_ids", ids}, {"attention_mask", mask}})["logits"];
    CHECK(test::max_difference(network({ids, mask})["output"], expected) < 1e-5);
    CHECK(test::max_difference(again({{"input_ids", ids}, {"attention_mask", mask}})["logits"], expected) < 1e-6);
    CHECK(test::max_difference(network({ids, c10::IValue()})["output"], model({{"input_ids", ids}})["logits"]) < 1e-5);
  }
  CHECK(again.policy() == Freeze::all());
  CHECK(again.preprocess()->config() == model.preprocess()->config());
}

TEST_CASE("Saved file: traced and scripted backbones, tuples and pictures", "[model]") {
  const test::TempDir folder;
  const c10::NoGradGuard no_grad;
  SECTION("a traced text backbone whose mask is required; Python may leave it out") {
    Model model(Backbone::load(test::golden_path("tiny_bert_trace.pt")), head::Classifier({.label = "queue", .labels = {"A", "B"}}),
                text::Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"), {.text = "message"}), {.device = "cpu"});
    model.save(folder.file("m.pt"));
    const at::Tensor ids = random_ids(4, 11);
    CHECK(test::max_difference(graph::Network::load(folder.file("m.pt"))({ids, c10::IValue()})["output"],
                               model({{"input_ids", ids}})["logits"]) < 1e-5);
  }
  SECTION("the second output of a tuple") {
    Model model(Backbone::load(test::golden_path("tiny_bert_trace_tuple.pt")), head::Classifier({.labels = {"A", "B"}, .from = "output.1"}),
                text::Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"), {.text = "message"}), {.device = "cpu"});
    model.save(folder.file("m.pt"));
    const at::Tensor ids = random_ids(4, 11);
    CHECK(test::max_difference(graph::Network::load(folder.file("m.pt"))({ids, at::ones_like(ids)})["output"],
                               model({{"input_ids", ids}})["logits"]) < 1e-5);
  }
  SECTION("pictures") {
    Model model = test::toy_vision_model(Freeze::none());
    model.set_training(true);
    model.save(folder.file("m.pt"));
    CHECK(model.is_training());  // the model goes on in its mode, the file is in eval mode
    model.set_training(false);
    const at::Tensor x = at::randn({5, 3, 16, 16});
    CHECK(test::max_difference(graph::Network::load(folder.file("m.pt"))({x})["output"], model({{"x", x}})["logits"]) < 1e-5);
  }
}

TEST_CASE("Saved file: a user's head comes back through its factory, and is wanted for training on", "[model]") {
  const test::TempDir folder;
  Model model(test::tiny_bert(), test::Regressor(32), text::Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"), {.text = "message"}),
              {.device = "cpu"});
  {
    const c10::NoGradGuard no_grad;
    for (auto [name, tensor] : model.trainable()) tensor.normal_();
  }
  model.save(folder.file("m.pt"));
  Model again = Model::load(folder.file("m.pt"),
                            {.device = "cpu", .head = [](const Json& config) { return std::make_unique<test::Regressor>(config); }});
  const Fields ids{{"input_ids", random_ids(3, 6)}};
  CHECK(test::max_difference(again(ids)["length"], model(ids)["length"]) < 1e-6);
  const auto error = test::error_of<ConfigError>([&] { Model::load(folder.file("m.pt"), {.device = "cpu"}); });
  CHECK(error.code() == "graft-C014");
  CHECK(error.message().find("\"length\"") != std::string::npos);
}

TEST_CASE("Saved file: a head whose recorded form is wrong for other sizes is refused", "[model][error]") {
  const test::TempDir folder;
  Model model(test::tiny_bert(), Naive(), text::Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"), {.text = "message"}),
              {.device = "cpu"});
  const auto error = test::error_of<ModelError>([&] { model.save(folder.file("m.pt")); });
  CHECK(error.code() == "graft-M014");
  CHECK(error.message().find("\"y\"") != std::string::npos);
  CHECK_FALSE(std::ifstream(folder.file("m.pt")).good());
}

TEST_CASE("Saved file: what is no saved model is told from one", "[model][error]") {
  CHECK(test::error_of<CheckpointError>([] { Model::load(test::golden_path("text_script.pt"), {.device = "cpu"}); }).code() ==
        "graft-K010");
}

namespace {

/// A user's own preprocessing: the text's length as the only token.
class Lengths final : public Preprocess {
 public:
  std::vector<Sample> operator()(const Record& record, Rng&, Mode) const override {
    return {{{{"input_ids", at::full({3}, static_cast<std::int64_t>(record.text("message").size() % 20), at::kLong)}}, {}, 0}};
  }
  Json config() const override { return {{"type", "lengths"}}; }
  Record example() const override { return {{{"message", std::string("a")}}, ""}; }
};

}  // namespace

TEST_CASE("Saved file: a user's preprocessing comes back through its factory", "[model]") {
  const test::TempDir folder;
  Model(test::tiny_bert(), head::Classifier({.label = "class", .labels = {"a", "b"}}), Lengths(), {.device = "cpu"})
      .save(folder.file("m.pt"));
  CHECK(test::error_of<CheckpointError>([&] { Model::load(folder.file("m.pt"), {.device = "cpu"}); }).code() == "graft-K012");
  const PreprocessFactory factory = [](const Json& config, const auto&) -> std::shared_ptr<const Preprocess> {
    return config.at("type") == "lengths" ? std::make_shared<Lengths>() : nullptr;
  };
  CHECK_FALSE(Predictor::load(folder.file("m.pt"), {.device = "cpu", .preprocess = factory})("abc").label.empty());
  CHECK(Model::load(folder.file("m.pt"), {.device = "cpu", .preprocess = factory}).preprocess()->config().at("type") == "lengths");
}

TEST_CASE("Saved file: a graft.json that lacks a part is told, to a model and to a predictor", "[model][error]") {
  const test::TempDir folder;
  test::toy_model().save(folder.file("m.pt"));
  predict::SavedFile saved = predict::read_saved(folder.file("m.pt"));
  for (const char* part : {"head", "preprocess"}) {
    predict::SavedFile torn = saved;
    torn.manifest.erase(part);
    predict::write_saved(folder.file("torn.pt"), torn);
    CHECK(test::error_of<CheckpointError>([&] { Model::load(folder.file("torn.pt"), {.device = "cpu"}); }).code() == "graft-K019");
    CHECK(test::error_of<CheckpointError>([&] { Predictor::load(folder.file("torn.pt"), {.device = "cpu"}); }).code() == "graft-K019");
  }
  saved.manifest["head"]["labels"] = 3;
  predict::write_saved(folder.file("torn.pt"), saved);
  CHECK(test::error_of<CheckpointError>([&] { Model::load(folder.file("torn.pt"), {.device = "cpu"}); }).code() == "graft-K019");
}
