#include "graft/text/tokenizer.h"

#include "support.h"

using namespace graft;
using text::Tokenizer;

namespace {

Tokenizer tiny(std::int64_t max_length = 16) {
  return Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"), {.text = "message", .max_length = max_length});
}

}  // namespace

TEST_CASE("Tokenizer: [CLS], pieces, [SEP], cut to its length", "[text]") {
  const Tokenizer tokenizer = tiny(5);
  const auto ids = tokenizer.ids("a b c d e f");
  REQUIRE(ids.size() == 5);
  CHECK(ids.front() == tokenizer.words().id("[CLS]"));
  CHECK(ids[1] == tokenizer.words().id("a"));
  CHECK(ids.back() == tokenizer.words().id("[SEP]"));
  CHECK(tokenizer.ids("").size() == 2);
}

TEST_CASE("Tokenizer: a record becomes one sample of input_ids", "[text]") {
  Rng rng(0);
  const auto samples = tiny()({{{"message", std::string("a b")}}, "x.csv:2"}, rng, Mode::Train);
  REQUIRE(samples.size() == 1);
  CHECK(samples[0].inputs["input_ids"].sizes() == at::IntArrayRef({4}));
  CHECK(samples[0].inputs["input_ids"].scalar_type() == at::kLong);
  CHECK(rng.draws() == 0);
}

TEST_CASE("Tokenizer: a text may have several fields, joined in their order; empty ones leave no gap", "[text]") {
  const Tokenizer tokenizer =
      Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"), {.text = "message", .also = {"title", "answer"}, .separator = " x "});
  const auto joined = [&](Value title, Value answer) {
    return tokenizer.text_of({{{"message", std::string("a b")}, {"title", std::move(title)}, {"answer", std::move(answer)}}, "x.csv:2"});
  };
  CHECK(joined(std::string("c"), std::string("d e")) == "a b x c x d e");
  CHECK(joined(std::string(), std::string("d")) == "a b x d");
  CHECK(joined({}, {}) == "a b");
  CHECK(joined(std::int64_t{7}, std::string()) == "a b x 7");
  Record first_empty{{{"message", std::string()}, {"title", std::string("c")}, {"answer", std::string("d")}}, "x.csv:2"};
  CHECK(tokenizer.text_of(first_empty) == "c x d");
  Rng rng(0);
  const at::Tensor ids = tokenizer(first_empty, rng, Mode::Eval).at(0).inputs["input_ids"];
  CHECK(at::equal(ids, at::tensor(tokenizer.ids("c x d"))));
  CHECK(tokenizer.example().values.size() == 3);
  SECTION("a field that is not there is told with the near one") {
    first_empty.values.erase("title");
    first_empty.values["titel"] = std::string("c");
    const auto error = test::error_of<DataError>([&] { tokenizer.text_of(first_empty); });
    CHECK(error.remedy() == "Did you mean \"titel\"?");
    CHECK(error.place() == "x.csv:2");
  }
  SECTION("it comes back from its config, and configs of one text are read") {
    const std::string json = tokenizer.files().at(0).second;
    CHECK(Tokenizer::from_config(tokenizer.config(), json).config() == tokenizer.config());
    const Json old{{"type", "tokenizer"}, {"text", "message"}, {"max_length", 16}};
    CHECK(Tokenizer::from_config(old, json).config() == tiny().config());
  }
}

TEST_CASE("Tokenizer: it tells how many tokens are cut off", "[text]") {
  const Record record{{{"message", std::string("a b c d e f")}}, "x.csv:2"};
  CHECK(tiny(5).cut(record) == 3);  // 6 and [CLS] and [SEP]
  CHECK(tiny(8).cut(record) == 0);
}

TEST_CASE("Tokenizer: what it saves builds it again", "[text]") {
  const Tokenizer tokenizer = tiny();
  const auto files = tokenizer.files();
  REQUIRE(files.size() == 1);
  CHECK(files[0].first == "tokenizer.json");
  const Tokenizer again(text::WordPiece::from_json(files[0].second), {.text = "message", .max_length = 16});
  CHECK(again.config() == tokenizer.config());
  CHECK(again.ids("the quick 7 a!") == tokenizer.ids("the quick 7 a!"));
}

TEST_CASE("Tokenizer says what is wrong", "[text][error]") {
  CHECK(test::error_of<ConfigError>([] { tiny(2); }).code() == "graft-C013");
  Rng rng(0);
  const auto error = test::error_of<DataError>([&] { tiny()({{{"mesage", std::string("a")}}, "x.csv:2"}, rng, Mode::Eval); });
  CHECK(error.place() == "x.csv:2");
  CHECK(error.remedy() == "Did you mean \"mesage\"?");
}
