#include "graft/text/words.h"

#include "data/word_spans.h"
#include "graft/text/wordpiece.h"
#include "support.h"

using namespace graft;
using text::Words;

namespace {

std::shared_ptr<const text::Subwords> tiny() {
  return std::make_shared<const text::WordPiece>(text::WordPiece::load(test::golden_path("tiny_bert/vocab.txt")));
}

std::vector<Sample> samples_of(const Words& words, const Record& record) {
  Rng rng(0);
  return words(record, rng, Mode::Eval);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  for (const auto& [begin, end] : data::word_spans(text)) words.push_back(text.substr(begin, end - begin));
  return words;
}

at::Tensor table(std::vector<std::int64_t> values) { return at::tensor(values, at::kLong).view({-1, 2}); }

}  // namespace

TEST_CASE("Words: the first token of a word has its number and bytes, the others have none", "[text]") {
  const Words words(tiny());
  const auto samples = samples_of(words, {{{"text", std::string("the bcd, x")}}, ""});
  REQUIRE(samples.size() == 1);
  const auto id = [&](const char* token) { return words.subwords().id(token); };
  CHECK(at::equal(samples[0].inputs["input_ids"],
                  at::tensor({id("[CLS]"), id("the"), id("b"), id("##c"), id("##d"), id(","), id("x"), id("[SEP]")})));
  const at::Tensor places = at::tensor({-1, -1, -1, 0, 0, 3, 1, 4, 7, -1, -1, -1, -1, -1, -1, 2, 7, 8, 3, 9, 10, -1, -1, -1}, at::kInt);
  CHECK(at::equal(samples[0].inputs["words"], places.view({8, 3})));
}

TEST_CASE("Words: words that the record names are taken as they are", "[text]") {
  const Record record{{{"text", std::string("a,b c")}, {"words", table({0, 3, 4, 5})}}, ""};
  const at::Tensor places = samples_of(Words(tiny()), record).at(0).inputs["words"];
  CHECK(at::equal(places.select(0, 1), at::tensor({0, 0, 3}, at::kInt)));
  CHECK(places.select(-1, 0).max().item<int>() == 1);
}

TEST_CASE("Words: a long text comes as windows between words that share the stride", "[text]") {
  const Words words(tiny(), {.max_length = 8, .stride = 2});
  const auto samples = samples_of(words, {{{"text", std::string("a b c d e f g h i")}}, ""});
  REQUIRE(samples.size() == 2);  // a to f, and e to i
  const auto first = [&](std::size_t i) { return samples[i].inputs["words"][1][0].item<int>(); };
  CHECK(first(0) == 0);
  CHECK(first(1) == 4);
}

TEST_CASE("Words: of a word longer than a window the beginning is read, and a word that has no tokens is unknown", "[text]") {
  const Words words(tiny(), {.max_length = 5, .stride = 1});
  const auto samples = samples_of(words, {{{"text", std::string("abcdefgh x")}}, ""});
  CHECK(samples.at(0).inputs["input_ids"].size(0) == 5);
  CHECK(samples.at(1).inputs["words"][1][0].item<int>() == 1);
  const Record blank{{{"text", std::string("a \x01 b")}, {"words", table({0, 1, 2, 3, 4, 5})}}, ""};
  CHECK(samples_of(Words(tiny()), blank).at(0).inputs["input_ids"][2].item<std::int64_t>() == words.subwords().id("[UNK]"));
}

TEST_CASE("Words: an empty text is one sample without words; a config comes back", "[text]") {
  const Words words(tiny(), {.text = "t", .max_length = 40, .stride = 3});
  CHECK(samples_of(words, {{{"t", std::string()}}, ""}).at(0).inputs["input_ids"].size(0) == 2);
  CHECK(Words::from_config(words.config(), words.files().at(0).second).config() == words.config());
}

TEST_CASE("Words: texts are cut at spaces and around punctuation", "[text]") {
  CHECK(split("(Oscar's, U.S.) #tag @me: 3.5%!") ==
        std::vector<std::string>{"(", "Oscar's", ",", "U.S", ".", ")", "#tag", "@me", ":", "3.5", "%", "!"});
  CHECK(split(" \t\n").empty());
  CHECK(split("...") == std::vector<std::string>{".", ".", "."});
  CHECK(split("caf\u00e9\u00a0\u4e16") == std::vector<std::string>{"caf\u00e9", "\u4e16"});
}

TEST_CASE("Words: words outside the text and sizes without room are refused", "[text][error]") {
  const auto error = test::error_of<DataError>([] {
    samples_of(Words(tiny()), {{{"text", std::string("a b")}, {"words", table({0, 1, 2, 9})}}, "x.conll:3"});
  });
  CHECK(error.code() == "graft-D041");
  CHECK(error.place() == "x.conll:3");
  CHECK(test::error_of<ConfigError>([] { Words(tiny(), {.max_length = 30, .stride = 28}); }).code() == "graft-C061");
}

TEST_CASE("Words: each Chinese character is a word, among others too", "[text]") {
  CHECK((split("张三住在London市。") == std::vector<std::string>{"张", "三", "住", "在", "London", "市", "。"}));
}
