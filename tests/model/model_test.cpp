#include "graft/model/model.h"

#include "graft/data/tensor_inputs.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

Fields batch() {
  return {{"input_ids", test::tensor_of(Json::parse("[[2, 44, 79, 7, 3], [2, 9, 3, 0, 0]]"))},
          {"attention_mask", test::tensor_of(Json::parse("[[1,1,1,1,1],[1,1,1,0,0]]"))}};
}

std::vector<std::string> names_of(const Model& model) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : model.trainable()) names.push_back(name);
  return names;
}

}  // namespace

TEST_CASE("Model: in bf16 the frozen part is rounded, what is saved is not", "[model]") {
  Model model = test::toy_model();
  const Fields inputs = batch();
  const at::Tensor wide = model.features(inputs)["pooled"];
  const std::string fingerprint = model.fingerprint();
  model.set_precision(Precision::BFloat16);
  CHECK(model.precision() == Precision::BFloat16);
  CHECK(model.fingerprint() != fingerprint);
  const at::Tensor narrow = model.features(inputs)["pooled"];
  CHECK_FALSE(narrow.equal(wide));
  CHECK(test::relative_difference(narrow, wide) < 1e-2);
  const test::TempDir folder;
  model.save(folder.file("half.pt"));
  const Model loaded = Model::load(folder.file("half.pt"), {.device = "cpu"});
  CHECK(loaded.precision() == Precision::Float32);
  CHECK(loaded.features(inputs)["pooled"].equal(wide));
  model.set_precision(Precision::Float32);
  CHECK(model.fingerprint() == fingerprint);
  CHECK(model.features(inputs)["pooled"].equal(wide));
}

TEST_CASE("Model: the form exact is float32", "[model][error]") {
  Model model(test::tiny_bert(), head::Classifier({.label = "queue", .labels = {"A", "B"}}),
              text::Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"), {.text = "message"}),
              {.device = "cpu", .prefix = PrefixForm::Exact});
  model.set_precision(Precision::Auto);
  CHECK(model.precision() == Precision::Float32);
  CHECK(test::error_of<ConfigError>([&] { model.set_precision(Precision::BFloat16); }).code() == "graft-C027");
}

TEST_CASE("Precision: names, and what to do about others", "[model][error]") {
  for (const Precision precision : {Precision::Auto, Precision::Float32, Precision::BFloat16})
    CHECK(precision_from(precision_name(precision)) == precision);
  const ConfigError error = test::error_of<ConfigError>([] { precision_from("bf17"); });
  CHECK(error.code() == "graft-C026");
  CHECK(std::string(error.what()).find("bf16") != std::string::npos);
}

TEST_CASE("Model: features are the backbone's output, pooled over the mask", "[model]") {
  Model model = test::toy_model();
  const at::Tensor hidden = test::tiny_bert()(batch())["output"];
  const at::Tensor expected = at::stack({hidden[0].mean(0), hidden[1].narrow(0, 0, 3).mean(0)});
  CHECK(test::max_difference(model.features(batch())["pooled"], expected) < 1e-6);
  CHECK(model(batch())["logits"].sizes() == at::IntArrayRef({2, 3}));
}

TEST_CASE("Model: a padded text has the features of the same text alone", "[model]") {
  Model model = test::toy_model();
  const at::Tensor alone = model.features({{"input_ids", test::tensor_of(Json::parse("[[2, 9, 3]]"))}})["pooled"];
  CHECK(test::max_difference(model.features(batch())["pooled"].narrow(0, 1, 1), alone) < 1e-5);
}

TEST_CASE("Model: what trains follows the policy, and the head always does", "[model]") {
  Model model = test::toy_model();
  CHECK(names_of(model) == std::vector<std::string>{"head.weight", "head.bias"});
  CHECK_FALSE(model.backbone_trains());
  model.freeze(Freeze::up_to("encoder.layer.0"));
  CHECK(model.backbone_trains());
  CHECK(names_of(model).size() == 16 + 2);
  CHECK(model.freeze_table().trainable() > 0);
  SECTION("gradients exist in train mode only") {
    CHECK_FALSE(model.features(batch())["pooled"].requires_grad());
    model.set_training(true);
    CHECK(model.features(batch())["pooled"].requires_grad());
  }
  SECTION("what trained keeps its values when the policy changes") {
    {
      const c10::NoGradGuard no_grad;
      for (auto [name, tensor] : model.trainable()) tensor.add_(1.0);
    }
    const at::Tensor before = model(batch())["logits"];
    model.freeze(Freeze::all());
    CHECK(test::relative_difference(model(batch())["logits"], before) < 1e-5);
  }
  SECTION("a policy that matches nothing leaves the model as it was") {
    CHECK_THROWS_AS(model.freeze(Freeze::up_to("no such layer")), ConfigError);
    CHECK(model.policy() == Freeze::up_to("encoder.layer.0"));
  }
}

TEST_CASE("Model: two models on one backbone do not disturb each other", "[model]") {
  const Backbone backbone = Backbone::load(test::golden_path("text_script.pt"));
  const auto make = [&] {
    return Model(backbone, head::Classifier({.labels = {"x", "y"}}), TensorInputs({{"input_ids", at::ones({4}, at::kLong)}}),
                 {.freeze = Freeze::none(), .device = "cpu"});
  };
  Model first = make();
  Model second = make();
  const Fields ids{{"input_ids", at::ones({2, 4}, at::kLong)}};
  const at::Tensor before = second(ids)["logits"];
  const at::Tensor untouched = backbone(ids)["output"];
  {
    const c10::NoGradGuard no_grad;
    for (auto [name, tensor] : first.trainable()) tensor.add_(0.5);
  }
  first.set_training(true);
  CHECK(at::equal(second(ids)["logits"], before));
  CHECK(at::equal(backbone(ids)["output"], untouched));
  CHECK_FALSE(at::equal(first(ids)["logits"], before));
}

TEST_CASE("Model: eval mode is repeatable, train mode drops out where something trains", "[model]") {
  Model model = test::toy_model(Freeze::none(), 0.5);
  CHECK(at::equal(model(batch())["logits"], model(batch())["logits"]));
  model.set_training(true);
  CHECK_FALSE(at::equal(model(batch())["logits"], model(batch())["logits"]));
  SECTION("and nowhere if all is frozen") {
    model.freeze(Freeze::all());
    model.set_training(true);
    CHECK(at::equal(model(batch())["logits"], model(batch())["logits"]));
  }
}

TEST_CASE("Model: reads the outputs of tuples by name", "[model]") {
  const auto make = [](const std::string& from) {
    return Model(Backbone::load(test::golden_path("tiny_bert_trace_tuple.pt")), head::Classifier({.labels = {"x", "y"}, .from = from}),
                 TensorInputs({{"input_ids", at::ones({4}, at::kLong)}, {"attention_mask", at::ones({4}, at::kLong)}}), {.device = "cpu"});
  };
  CHECK(make("output.1").head().reads().at(0).pooling == Pooling::None);
  CHECK(make("output.0").head().reads().at(0).pooling == Pooling::MeanTokens);
  CHECK(make("output").head().reads().at(0).pooling == Pooling::MeanTokens);
  CHECK(test::error_of<ModelError>([&] { make("pooler"); }).code() == "graft-M022");
}

TEST_CASE("Model: a head of the user's that does not fit is told what the backbone gives", "[model][error]") {
  const auto error = test::error_of<ModelError>([] {
    Model(test::tiny_bert(), test::Regressor(77), text::Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"), {.text = "message"}),
          {.device = "cpu"});
  });
  CHECK(error.code() == "graft-M013");
  CHECK(error.message().find("\"pooled\" [2, 32]") != std::string::npos);
}

TEST_CASE("Model: another head on the same backbone", "[model]") {
  Model model = test::toy_model();
  const at::Tensor ids = at::tensor(std::vector<std::int64_t>{2, 5, 6, 3}, at::kLong).unsqueeze(0);
  CHECK(model({{"input_ids", ids}})["logits"].size(-1) == 3);
  model.replace_head(head::Classifier({.label = "queue", .labels = {"A", "B", "C", "D"}}));
  CHECK(model({{"input_ids", ids}})["logits"].size(-1) == 4);
  SECTION("one that does not fit is refused and the old one stays") {
    const auto error = test::error_of<ModelError>([&] { model.replace_head(head::Classifier({.labels = {"x", "y"}, .width = 7})); });
    CHECK(error.code() == "graft-M010");
    CHECK(model({{"input_ids", ids}})["logits"].size(-1) == 4);
  }
}
