#include "graft/text/byte_pairs.h"

#include <chrono>

#include "graft/text/tokenizer.h"
#include "support.h"
#include "text/byte_level.h"
#include "text/utf8.h"

using namespace graft;
using text::BytePairs;
using text::BytePairsOptions;
using text::Piece;

namespace {

/// Tokens of all bytes, and these behind them.
std::vector<std::string> tokens(const std::vector<std::string>& others) {
  std::vector<std::string> all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(text::detail::spelled(std::string(1, static_cast<char>(byte))));
  all.insert(all.end(), others.begin(), others.end());
  return all;
}

const BytePairs::Rules kMerges{{"l", "o"}, {"lo", "w"}, {"e", "r"}, {"Ġ", "low"}, {"o", "w"}};

BytePairs low(const BytePairsOptions& options = {}) {
  return BytePairs(tokens({"lo", "low", "er", "Ġlow", "ow", "<s>", "<pad>", "</s>", "<mask>"}), kMerges, options);
}

std::string spelled(const text::Subwords& words, std::string_view text) {
  std::string line;
  for (const Piece& piece : words.encode(text)) line += (line.empty() ? "" : " ") + words.token(piece.id);
  return line;
}

std::string words_of(std::string_view text) {
  std::string line;
  for (std::size_t at = 0, end = 0; at < text.size(); at = end) {
    end = text::detail::word_end(text, at);
    line += (line.empty() ? "" : "|") + std::string(text.substr(at, end - at));
  }
  return line;
}

/// The small vocabulary's tokenizer.json with one change.
std::string changed(const std::string& part, const Json& value) {
  Json file = test::golden("tiny_bpe/tokenizer.json");
  file[Json::json_pointer(part)] = value;
  return file.dump();
}

}  // namespace

TEST_CASE("BytePairs joins the pair that was learned first, and of equal ones the leftmost", "[text]") {
  const BytePairs words = low();
  CHECK(spelled(words, "lower slow low") == "low er Ġ s low Ġlow");
  CHECK((words.encode("lower") == std::vector<Piece>{{257, 0, 3}, {258, 3, 5}}));
  CHECK(spelled(BytePairs(tokens({"aa", "aaa"}), {{"a", "a"}, {"aa", "a"}}), "aaaaa") == "aa aaa");
  CHECK(words.encode("").empty());
  SECTION("a token that other merges come before is not made, though it is in the vocabulary") {
    const BytePairs never(tokens({"ab", "bc", "abc"}), {{"a", "b"}, {"b", "c"}, {"a", "bc"}});
    CHECK(spelled(never, "abc") == "ab c");
  }
}

TEST_CASE("BytePairs: long words take the same steps, and not their square", "[text]") {
  const BytePairs words = low();
  std::string line, expected;
  for (int i = 0; i < 20000; ++i) {
    line += "lower";
    expected += i == 0 ? "low er" : " low er";
  }
  const auto start = std::chrono::steady_clock::now();
  CHECK(spelled(words, line) == expected);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));  // some 20 ms; 10 s if it were quadratic
  for (std::size_t size = 1; size < 80; ++size) {
    const std::vector<Piece> pieces = BytePairs(tokens({"aa", "aaaa"}), {{"a", "a"}, {"aa", "aa"}}).encode(std::string(size, 'a'));
    CHECK(pieces.size() == size / 4 + size % 4 / 2 + size % 2);
  }
}

TEST_CASE("BytePairs: words are GPT-2's", "[text]") {
  CHECK(words_of("I've 3 cats, don't you'll") == "I|'ve| 3| cats|,| don|'t| you|'ll");
  CHECK(words_of("a  b \n c\n") == "a| | b| \n| c|\n");
  CHECK(words_of("x1²!? 'S 's") == "x|1²|!?| '|S| '|s");
  CHECK(words_of("\u00E9t\u00E9\u3000\u4E2D") == "\u00E9t\u00E9|\u3000|\u4E2D");
  CHECK(words_of("  ") == "  ");
}

TEST_CASE("BytePairs finds added tokens that stand literally in the text", "[text]") {
  CHECK(spelled(low(), "low <mask>er<s>") == "low <mask> er <s>");
  const auto pieces = low({.trim_offsets = false}).encode("low \n <mask> er");
  CHECK((pieces.at(1) == Piece{264, 3, 12}));
  CHECK((low().encode("low \n <mask> er").at(1) == Piece{264, 6, 12}));
  SECTION("as told") {
    const BytePairs words = low({.added = std::vector<text::AddedToken>{{.token = "er", .strips_right = true}}});
    CHECK(spelled(words, "lower low<s>") == "low er low < s >");
    CHECK(words.options().added->size() == 1);
  }
}

TEST_CASE("BytePairs: a byte is a character, both ways", "[text]") {
  CHECK(text::detail::spelled(" \n\u00E9\x7F") == "Ġ\u010A\u00C3\u00A9\u0121");
  CHECK(text::detail::bytes_of("Ġ\u010A\u00C3\u00A9\u0121") == " \n\u00E9\x7F");
  CHECK_FALSE(text::detail::bytes_of("\u4E2D"));
  CHECK_FALSE(text::detail::bytes_of("\u00A0"));
}

TEST_CASE("BytePairs frames texts as RoBERTa, bare ones as GPT-2", "[text]") {
  const auto tokenizer = [](const BytePairs& words) {
    return text::Tokenizer(std::make_shared<const BytePairs>(words), {.text = "a", .second = "b", .max_length = 9});
  };
  const text::Tokenizer roberta = tokenizer(BytePairs::load(test::golden_path("tiny_bpe/vocab.json")));
  const Json pairs = test::golden("byte_pairs.json").at("pairs");
  REQUIRE(pairs.size() == 27);
  for (const Json& pair : pairs) {
    const text::Tokenizer cut(text::load_subwords(test::golden_path("tiny_bpe")), {.second = "b", .max_length = pair.at(2)});
    CHECK(cut.pair(pair.at(0).get<std::string>(), pair.at(1).get<std::string>()).ids == pair.at(3).get<std::vector<std::int64_t>>());
  }
  Rng rng(0);
  const Fields inputs = roberta({{{"a", std::string("x")}, {"b", std::string("y")}}, ""}, rng, Mode::Eval).at(0).inputs;
  CHECK(inputs.names() == std::vector<std::string>{"input_ids"});
  CHECK(roberta.padding().values == std::vector<std::pair<std::string, double>>{{"input_ids", 1}});
  const BytePairs gpt(tokens({"<|endoftext|>"}), {});
  CHECK(gpt.frame() == text::Frame{.pad = 256});
  CHECK(tokenizer(gpt).ids("ab") == std::vector<std::int64_t>{gpt.id("a"), gpt.id("b")});
  CHECK(BytePairs::from_json(gpt.to_json(8)).frame() == gpt.frame());
  CHECK(test::error_of<ConfigError>([&] { gpt.to_json(0); }).code() == "graft-C401");
}

TEST_CASE("BytePairs says what is wrong with its files", "[text][error]") {
  const auto code = [](const auto& act) { return test::error_of<Error>(act).code(); };
  CHECK(code([] { BytePairs({"a", "b"}, {}); }) == "graft-K028");
  CHECK(code([] { BytePairs(tokens({"a"}), {}); }) == "graft-D402");
  const auto merge = test::error_of<CheckpointError>([] { BytePairs(tokens({}), {{"a", "b"}}); });
  CHECK(merge.code() == "graft-K027");
  CHECK(merge.message().find("\"a\", \"b\"") != std::string::npos);
  CHECK(code([] { low().id("zebra"); }) == "graft-D404");
  CHECK(code([] { low().token(265); }) == "graft-D405");
  const test::TempDir folder;
  CHECK(code([&] { text::load_subwords(folder.path()); }) == "graft-K029");
  test::write(folder.file("vocab.json"), R"({"a": 0, "b": 2})");
  CHECK(code([&] { text::load_subwords(folder.path()); }) == "graft-K403");
  test::write(folder.file("vocab.json"), R"({"a": 0, "b": 1})");
  CHECK(test::error_of<CheckpointError>([&] { text::load_subwords(folder.path()); }).place() == folder.file("merges.txt"));
  test::write(folder.file("merges.txt"), "#version: 0.2\na b c\n");
  CHECK(test::error_of<CheckpointError>([&] { text::load_subwords(folder.path()); }).place() == folder.file("merges.txt") + ":2");
}

TEST_CASE("BytePairs refuses a tokenizer.json that it would read otherwise than its model", "[text][error]") {
  const auto refused = [](const std::string& json) {
    return test::error_of<CheckpointError>([&] { text::subwords_from_json(json, "here.json"); });
  };
  CHECK(refused(changed("/normalizer", {{"type", "NFC"}})).message() == "[Tokenizer] the normalizer must be null, got \"NFC\".");
  CHECK(refused(changed("/pre_tokenizer", {{"type", "Whitespace"}})).code() == "graft-K403");
  CHECK(refused(changed("/pre_tokenizer/use_regex", false)).code() == "graft-K403");
  CHECK(refused(changed("/model/ignore_merges", true)).message() == "[Tokenizer] ignore_merges must be off, got true.");
  CHECK(refused(changed("/model/end_of_word_suffix", "</w>")).code() == "graft-K403");
  CHECK(refused(changed("/added_tokens/0/single_word", true)).code() == "graft-K403");
  CHECK(refused(changed("/post_processor", {{"type", "Other"}})).code() == "graft-K403");
  CHECK(refused(changed("/model/type", "Unigram")).message() == "[Tokenizer] the model must be WordPiece, got \"Unigram\".");
  CHECK(refused(changed("/model/merges", 7)).code() == "graft-K402");
  CHECK(refused(changed("/model/merges/0", "a b c")).code() == "graft-K027");
  CHECK(test::error_of<DataError>([] { BytePairs::from_json(changed("/post_processor/cls/1", 6000)); }).code() == "graft-D405");
}
