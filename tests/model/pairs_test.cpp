// Pairs of texts from the record to the saved file: what the tokenizer gives is what the backbone's token types take.
#include "graft/data/collate.h"
#include "graft/model/feature_set.h"
#include "graft/predict/predictor.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

Data pairs(std::size_t size) {
  return test::toy_messages(size).map([](Record record) {
    record.values["answer"] = std::string("x y z").substr(0, 1 + 2 * (record.text("message").size() % 3));
    return record;
  });
}

Model pair_model(const Backbone& backbone, const std::string& vocabulary) {
  return Model(
      backbone, head::Classifier({.label = "queue", .labels = {"A", "B", "C"}}),
      text::Tokenizer(text::load_subwords(test::golden_path(vocabulary)), {.text = "message", .second = "answer", .max_length = 32}),
      {.device = "cpu"});
}

Sample sample_of(const Model& model, const Data& data, std::size_t index) {
  Rng rng(0);
  return (*model.preprocess())(data.get(index), rng, Mode::Eval).at(0);
}

}  // namespace

TEST_CASE("Pairs: features are the backbone's with token types, computed once or batch by batch", "[model]") {
  const Model model = pair_model(test::tiny_bert(), "tiny_bert");
  const Data data = pairs(12);
  const auto set = FeatureSet::make(model, data, {.batch_positions = 64});
  REQUIRE(set.has_value());
  for (std::size_t i = 0; i < data.size(); ++i) {
    const Fields inputs = collate(std::vector{sample_of(model, data, i)}, model.preprocess()->padding()).inputs;
    const at::Tensor expected = test::tiny_bert()(inputs)["output"].mean(1);
    const at::Tensor without = test::tiny_bert()({{"input_ids", inputs["input_ids"]}})["output"].mean(1);
    CHECK(test::max_difference(set->features()["pooled"][static_cast<std::int64_t>(i)], expected[0]) < 1e-5);
    CHECK(test::max_difference(expected, without) > 1e-3);
  }
}

TEST_CASE("Pairs: the saved file takes them, and answers as the model does", "[model]") {
  const test::TempDir folder;
  const std::string kind = GENERATE("bert", "roberta");
  Model model = kind == "bert" ? pair_model(test::tiny_bert(), "tiny_bert") : pair_model(test::tiny_roberta(), "tiny_bpe");
  model.save(folder.file("m.pt"));
  const Predictor predictor = Predictor::load(folder.file("m.pt"));
  const std::vector<std::string> inputs = kind == "bert" ? std::vector<std::string>{"input_ids", "attention_mask", "token_type_ids"}
                                                         : std::vector<std::string>{"input_ids", "attention_mask"};
  CHECK(predictor.inputs() == inputs);
  CHECK(predictor.fields() == std::vector<std::string>{"answer", "message"});
  const Data data = pairs(6);
  const std::vector<Decoded> answers = predictor.batch(data);
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < data.size(); ++i) samples.push_back(sample_of(model, data, i));
  const at::Tensor scores = model(collate(samples, model.preprocess()->padding()).inputs)["logits"].softmax(1);
  for (std::size_t i = 0; i < data.size(); ++i)
    CHECK(answers.at(i).score == Approx(scores[static_cast<std::int64_t>(i)].max().item<double>()).margin(1e-5));
}
