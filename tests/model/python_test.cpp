// Writes a saved model and what it must give, for tests/golden/check_saved.py to compare in Python without graft. Hidden: tests/run.sh runs
// it where a Python with torch and tokenizers is.
#include <cstdlib>

#include "graft/backbone/import.h"
#include "graft/head/question_answering.h"
#include "graft/predict/predictor.h"
#include "graft/text/question_windows.h"
#include "support.h"
#include "toys.h"

using namespace graft;

TEST_CASE("Saved file: cases for Python, batches of 1, 3, 8 and lengths of 5, 17, 64", "[.][python]") {
  const char* folder = std::getenv("GRAFT_CHECK_DIR");
  REQUIRE(folder != nullptr);
  const std::string base = folder;
  backbone::import_checkpoint(test::minilm_folder(), base + "/minilm.pt");
  const Backbone backbone = Backbone::load(base + "/minilm.pt");
  Model model(backbone, head::Classifier({.label = "queue", .labels = {"A", "B", "C"}, .hidden = 16, .dropout = 0.1}),
              text::Tokenizer(text::subwords_from_json(backbone.files().at("tokenizer.json")), {.text = "message"}), {.device = "cpu"});
  model.save(base + "/model.pt");

  Json expected{{"inputs", {"input_ids", "attention_mask"}}, {"cases", Json::array()}, {"texts", Json::array()}};
  for (const std::int64_t rows : {1, 3, 8}) {
    for (const std::int64_t length : {5, 17, 64}) {
      const at::Tensor ids = at::randint(1000, 20000, {rows, length}, at::kLong);
      at::Tensor mask = at::ones_like(ids);
      if (rows > 1) mask[rows - 1].narrow(0, length / 2, length - length / 2).zero_();
      expected["cases"].push_back({{"inputs", {{"input_ids", test::list_of(ids)}, {"attention_mask", test::list_of(mask)}}},
                                   {"logits", test::list_of(model({{"input_ids", ids}, {"attention_mask", mask}})["logits"])}});
    }
  }
  const auto& tokenizer = dynamic_cast<const text::Tokenizer&>(*model.preprocess());
  for (const std::string text : {"Where is my parcel?", "Café au lait, s'il vous plaît!", "中文 and [MASK] \U0001F600", ""}) {
    expected["texts"].push_back({{"text", text}, {"ids", tokenizer.ids(text)}});
  }
  test::write(base + "/expected.json", expected.dump());
  CHECK(expected["cases"].size() == 9);
}

TEST_CASE("Saved file: the search for answers, for Python, in windows of three lengths", "[.][python]") {
  const char* folder = std::getenv("GRAFT_CHECK_DIR");
  REQUIRE(folder != nullptr);
  const std::string base = folder;
  const Backbone backbone = test::tiny_bert();
  const auto words = text::subwords_from_json(backbone.files().at("tokenizer.json"));
  const head::QuestionAnsweringOptions options{.end_token = words->frame().end.value(), .separators = words->frame().separators};
  Model model(backbone, head::QuestionAnswering(options), text::QuestionWindows(words, {.max_length = 60, .stride = 8, .max_question = 8}),
              {.device = "cpu"});
  model.save(base + "/answers.pt");

  Json expected{{"inputs", Predictor::load(base + "/answers.pt").inputs()}, {"outputs", Json::array()}, {"cases", Json::array()}};
  for (const std::string context : {"a b c d e f g h", "the water is here", "they said that it was one of the first words of a long day"}) {
    Rng rng(0);
    const Fields one =
        (*model.preprocess())({{{"question", std::string("what is it")}, {"context", context}}, ""}, rng, Mode::Eval).at(0).inputs;
    Fields inputs{{"input_ids", one["input_ids"].repeat({2, 1})}, {"token_type_ids", one["token_type_ids"].repeat({2, 1})}};
    at::Tensor mask = at::ones_like(inputs["input_ids"]);
    mask[1].narrow(0, mask.size(1) - 2, 2).zero_();
    inputs.set("attention_mask", mask);
    Json outputs = Json::object();
    expected["outputs"] = Json::array();
    for (const auto& [name, tensor] : model(inputs)) {
      expected["outputs"].push_back(name);
      outputs[name] = test::list_of(tensor);
    }
    Json given = Json::object();
    for (const auto& [name, tensor] : inputs) given[name] = test::list_of(tensor);
    expected["cases"].push_back({{"inputs", given}, {"outputs", outputs}});
  }
  test::write(base + "/answers.json", expected.dump());
  CHECK(expected["outputs"] == Json({"start_logits", "end_logits", "spans", "span_scores"}));
}
