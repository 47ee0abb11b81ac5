#include "graft/text/tokenizer.h"

#include "graft/data/collate.h"
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

TEST_CASE("Tokenizer: a pair is cut as Hugging Face's tokenizers cuts it, the longer text first", "[text]") {
  const std::string letters = "a b c d e f g h i j k l m n o p q r s t u v w x y z";
  const Json cases = test::golden("pairs.json").at("cases");
  REQUIRE(cases.size() == 144);
  Rng rng(0);
  for (const Json& expected : cases) {
    const auto length = [&](int which) { return expected.at(which).get<std::size_t>(); };
    const std::string first = letters.substr(0, 2 * length(0)), second = letters.substr(std::min(letters.size(), 52 - 2 * length(1)));
    INFO(first << " | " << second << " | " << length(2));
    const Tokenizer tokenizer = Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"),
                                                {.text = "question", .second = "answer", .max_length = expected.at(2).get<std::int64_t>()});
    const Record record{{{"question", first}, {"answer", second}}, "x.csv:2"};
    const Fields inputs = tokenizer(record, rng, Mode::Eval).at(0).inputs;
    CHECK(at::equal(inputs["input_ids"], test::tensor_of(expected.at(3))));
    CHECK(at::equal(inputs["token_type_ids"], test::tensor_of(expected.at(4))));
    const auto whole = static_cast<std::int64_t>(length(0) + length(1) + 3);
    CHECK(tokenizer.cut(record) == whole - static_cast<std::int64_t>(expected.at(3).size()));
  }
}

TEST_CASE("Tokenizer: pairs share a batch, and a single text has no types", "[text]") {
  const Tokenizer tokenizer =
      Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"), {.text = "message", .also = {"title"}, .second = "answer"});
  Rng rng(0);
  const auto sample = [&](const std::string& message, const std::string& answer) {
    return tokenizer({{{"message", message}, {"title", std::string("b")}, {"answer", answer}}, "x.csv:2"}, rng, Mode::Eval).at(0);
  };
  const Batch batch = collate(std::vector{sample("a", "c d e"), sample("a", "c")}, tokenizer.padding());
  CHECK(at::equal(batch.inputs["token_type_ids"], test::tensor_of(Json::parse("[[0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1, 0, 0]]"))));
  CHECK(at::equal(batch.inputs["attention_mask"], test::tensor_of(Json::parse("[[1, 1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, 0, 0]]"))));
  CHECK(batch.inputs["input_ids"][1][7].item<std::int64_t>() == tokenizer.words().id("[PAD]"));
  CHECK(tiny()({{{"message", std::string("a")}}, "x.csv:2"}, rng, Mode::Eval).at(0).inputs.size() == 1);
  CHECK(tiny().padding().values.size() == 1);
  SECTION("it comes back from its config, and shows a record of its kind") {
    const Tokenizer again = Tokenizer::from_config(tokenizer.config(), tokenizer.files().at(0).second);
    CHECK(again.config() == tokenizer.config());
    CHECK(again(tokenizer.example(), rng, Mode::Eval).at(0).inputs.names() == std::vector<std::string>{"input_ids", "token_type_ids"});
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
  const auto pairs = [](std::int64_t max_length) {
    return Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"), {.second = "answer", .max_length = max_length});
  };
  CHECK(test::error_of<ConfigError>([&] { pairs(4); }).message().find("at least 5 is wanted, got 4") != std::string::npos);
  Rng rng(0);
  const auto error = test::error_of<DataError>([&] { tiny()({{{"mesage", std::string("a")}}, "x.csv:2"}, rng, Mode::Eval); });
  CHECK(error.place() == "x.csv:2");
  CHECK(error.remedy() == "Did you mean \"mesage\"?");
  const Record no_answer{{{"text", std::string("a")}, {"anser", std::string("b")}}, "x.csv:3"};
  const auto second = test::error_of<DataError>([&] { pairs(5)(no_answer, rng, Mode::Eval); });
  CHECK(second.place() == "x.csv:3");
  CHECK(second.remedy() == "Did you mean \"anser\"?");
}
