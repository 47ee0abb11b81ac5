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
