#include "graft/text/wordpiece.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>

#include "graft/core/error.h"

using graft::text::Piece;
using graft::text::WordPiece;
using graft::text::WordPieceOptions;

namespace {

const std::vector<std::string> kTokens = {
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un",        "##aff",  "##able", "##a",    "aff",        "a",       "b",      "##b",
    "cafe",  "i",     "ss",    "$",     "+",      "<",         "=",      ">",      "^",      "`",          "|",       "~",      "!",
    ".",     "[",     "]",     "sep",   "A",      "caf\u00E9", "\u4E2D", "\u6587", "\u00BF", "\U0001F600", "i\u0307", "\u03C3", "##\u03C3"};

/// The pieces as tokens, with spaces between them.
std::string pieces(const WordPiece& words, std::string_view text) {
  std::string line;
  for (const Piece& piece : words.encode(text)) line += (line.empty() ? "" : " ") + words.token(piece.id);
  return line;
}

/// What each piece covers of the original text, with bars between them.
std::string covers(const WordPiece& words, std::string_view text) {
  std::string line;
  for (const Piece& piece : words.encode(text))
    line += (line.empty() ? "" : "|") + std::string(text.substr(piece.begin, piece.end - piece.begin));
  return line;
}

/// A file that lives as long as the object.
class TempFile {
 public:
  TempFile(const std::string& name, const std::string& content)
      : path_(std::filesystem::temp_directory_path() / ("graft_wordpiece_" + name)) {
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~TempFile() { std::filesystem::remove(path_); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

std::string code_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const graft::Error& error) {
    return error.code();
  }
  return "no error";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("WordPiece spells a word with the longest tokens that fit", "[text]") {
  const WordPiece words(kTokens);
  CHECK(pieces(words, "unaffable") == "un ##aff ##able");
  CHECK(pieces(words, "aff unaa") == "aff un ##a ##a");
  CHECK((words.encode("unaffable") == std::vector<Piece>{{5, 0, 2}, {6, 2, 5}, {7, 5, 9}}));
  SECTION("a word with a part that no token fits is unknown as a whole") {
    CHECK(pieces(words, "unaffx a") == "[UNK] a");
    CHECK(covers(words, "unaffx a") == "unaffx|a");
  }
  SECTION("no text, no pieces") {
    CHECK(words.encode("").empty());
    CHECK(words.encode(" \t\n").empty());
  }
}

TEST_CASE("WordPiece takes too long words for unknown, counting characters", "[text]") {
  const WordPiece words(kTokens);
  CHECK(words.encode("a" + std::string(99, 'b')).size() == 100);
  CHECK(pieces(words, "a" + std::string(100, 'b')) == "[UNK]");
  CHECK(pieces(WordPiece(kTokens, {.max_word_characters = 2}), "\u03C3\u03C3 \u03C3\u03C3\u03C3") == "\u03C3 ##\u03C3 [UNK]");
}

TEST_CASE("WordPiece makes each punctuation character a word", "[text]") {
  const WordPiece words(kTokens);
  CHECK(pieces(words, "a$+<=>^`|~!b") == "a $ + < = > ^ ` | ~ ! b");
  CHECK(pieces(words, "\u00BFa..") == "\u00BF a . .");
  CHECK(covers(words, "a\u2E43b a\u2E2Eb") == "a\u2E43b|a|\u2E2E|b");  // the first came after Unicode 8
  CHECK(pieces(words, "\u20ACa") == "[UNK]");  // a currency sign is a symbol, and only ASCII symbols are punctuation
}

TEST_CASE("WordPiece drops accents and keeps the place of the letters", "[text]") {
  const WordPiece words(kTokens);
  CHECK(pieces(words, "Caf\u00E9 CAFE\u0301") == "cafe cafe");
  CHECK(covers(words, "Caf\u00E9 a") == "Caf\u00E9|a");
  CHECK((words.encode("CAFE\u0301 a") == std::vector<Piece>{{13, 0, 4}, {10, 7, 8}}));
  CHECK((words.encode("un\u00E4ffa") == std::vector<Piece>{{5, 0, 2}, {6, 2, 6}, {8, 6, 7}}));
  CHECK(pieces(words, "\u03A3\u03C3") == "\u03C3 ##\u03C3");
  CHECK(pieces(words, "\u0130") == "i");
  SECTION("unless told to keep them") {
    const WordPiece keeps(kTokens, {.strip_accents = false});
    CHECK(pieces(keeps, "CAF\u00C9 \u0130") == "caf\u00E9 i\u0307");
    CHECK(covers(keeps, "\u0130 a") == "\u0130|a");
  }
}

TEST_CASE("WordPiece makes each Chinese character a word", "[text]") {
  CHECK(pieces(WordPiece(kTokens), "a\u4E2D\u6587b") == "a \u4E2D \u6587 b");
  CHECK(covers(WordPiece(kTokens), "a\u4E2D\u6587b") == "a|\u4E2D|\u6587|b");
  CHECK(pieces(WordPiece(kTokens, {.split_cjk = false}), "\u4E2D\u6587 \u4E2D") == "[UNK] \u4E2D");
}

TEST_CASE("WordPiece drops control characters and bytes that are not UTF-8", "[text]") {
  const WordPiece words(kTokens);
  using namespace std::string_view_literals;
  CHECK((words.encode("u\0n\u200D\u00ADaff\x7F"sv) == std::vector<Piece>{{5, 0, 3}, {6, 8, 11}}));
  CHECK(pieces(words, "a\tb\r\nb\u00A0a\u3000a") == "a b b a a");
  CHECK((words.encode("\xFFu\xE2\x82n\xC3") == std::vector<Piece>{{5, 1, 5}}));
  CHECK(pieces(words, "a\uFFFD\xED\xA0\x80 \xF0\x9F b") == "a b");
  SECTION("an emoji is four bytes of one piece") {
    CHECK((words.encode("a \U0001F600 b") == std::vector<Piece>{{10, 0, 1}, {35, 2, 6}, {11, 7, 8}}));
  }
}

TEST_CASE("WordPiece reads cased text as it stands", "[text]") {
  const WordPiece words(kTokens, {.lowercase = false});
  CHECK(pieces(words, "A a caf\u00E9 Un") == "A a caf\u00E9 [UNK]");
}

TEST_CASE("WordPiece finds special tokens that stand literally in the text", "[text]") {
  const WordPiece words(kTokens);
  CHECK(pieces(words, "a[SEP]b [MASK].") == "a [SEP] b [MASK] .");
  CHECK(covers(words, "a[SEP]b [MASK].") == "a|[SEP]|b|[MASK]|.");
  CHECK(pieces(words, "[[SEP]]") == "[ [SEP] ]");
  CHECK(pieces(words, "[sep] [SEP") == "[ sep ] [ sep");
  SECTION("the first that begins, and of those the longest") {
    CHECK(pieces(WordPiece(kTokens, {.special_tokens = {"a", "aff", "ff."}}), "UNaff.") == "un aff .");
    CHECK(pieces(WordPiece(kTokens, {.special_tokens = {"i", "i\u0307"}}), "bi\u0307") == "b i\u0307");
  }
  SECTION("and none that the vocabulary lacks") {
    CHECK(WordPiece(kTokens, {.special_tokens = {"[MASK]", "[X]", "[SEP]"}}).options().special_tokens ==
          std::vector<std::string>{"[SEP]", "[MASK]"});
  }
}

TEST_CASE("WordPiece gives tokens and ids both ways", "[text]") {
  const WordPiece words(kTokens);
  CHECK(words.size() == kTokens.size());
  CHECK(words.id("##able") == 7);
  CHECK(words.token(7) == "##able");
  CHECK(code_of([&] { words.id("zebra"); }) == "graft-D404");
  CHECK(code_of([&] { words.token(-1); }) == "graft-D405");
  CHECK(code_of([&] { words.token(static_cast<std::int64_t>(words.size())); }) == "graft-D405");
}

TEST_CASE("WordPiece says what is wrong with a vocabulary", "[text][error]") {
  CHECK(code_of([] { WordPiece({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "caf\xE9"}); }) == "graft-D401");
  CHECK_THROWS_WITH(WordPiece({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "a"}), Catch::Contains("\"a\" is token 4 and token 5"));
  CHECK_THROWS_WITH(WordPiece({"[PAD]", "[CLS]", "[SEP]"}), Catch::Contains("must hold \"[UNK]\""));
  CHECK_THROWS_WITH(WordPiece({"[PAD]", "[UNK]", "[SEP]"}), Catch::Contains("must hold \"[CLS]\""));
  CHECK(code_of([] { WordPiece(kTokens, {.unknown = "<unk>"}); }) == "graft-D403");
}

TEST_CASE("WordPiece loads a vocab.txt", "[text]") {
  const TempFile unix_file("unix.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n##b");
  const TempFile windows_file("windows.txt", "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\na\r\n##b\r\n\r\n");
  for (const std::string& path : {unix_file.path(), windows_file.path()}) {
    const WordPiece words = WordPiece::load(path);
    CHECK(words.size() == 6);
    CHECK(pieces(words, "Abb") == "a ##b ##b");
    CHECK(pieces(WordPiece::load(path, {.lowercase = false}), "Abb") == "[UNK]");
  }
  SECTION("and names the file that it cannot use") {
    const TempFile short_file("short.txt", "[PAD]\n[UNK]\n");
    CHECK_THROWS_WITH(WordPiece::load(short_file.path()), Catch::Contains(short_file.path()));
    CHECK(code_of([] { WordPiece::load("/nonexistent/vocab.txt"); }) == "graft-K401");
    CHECK(code_of([] { WordPiece::load(std::filesystem::temp_directory_path().string()); }) == "graft-K401");
  }
}

TEST_CASE("WordPiece comes back from its tokenizer.json", "[text]") {
  const WordPieceOptions options{.lowercase = false,
                                 .strip_accents = true,
                                 .split_cjk = false,
                                 .unknown = "[PAD]",
                                 .max_word_characters = 7,
                                 .special_tokens = {"[CLS]", "[MASK]"}};
  for (const WordPiece& words : {WordPiece(kTokens), WordPiece(kTokens, options)}) {
    const TempFile file("saved.json", words.to_json(64));
    const WordPiece again = WordPiece::load(file.path());
    CHECK(again.options() == words.options());
    CHECK(again.to_json(64) == words.to_json(64));
    CHECK(code_of([&] { words.to_json(2); }) == "graft-C401");
    CHECK((again.encode("UNaffable caf\u00E9 [MASK]\u4E2D") == words.encode("UNaffable caf\u00E9 [MASK]\u4E2D")));
  }
}

TEST_CASE("WordPiece refuses a tokenizer.json that it would read otherwise than its model", "[text][error]") {
  const std::string json = WordPiece(kTokens).to_json(64);
  const auto from = [&](const std::string& part, const std::string& with) {
    WordPiece::from_json(replaced(json, part, with), "here.json");
  };
  CHECK(code_of([&] { WordPiece::from_json(json.substr(0, 100)); }) == "graft-K402");
  CHECK(code_of([&] { WordPiece::from_json("[]"); }) == "graft-K402");
  CHECK(code_of([&] { from("\"unk_token\"", "\"unknown\""); }) == "graft-K402");
  CHECK_THROWS_WITH(from("\"type\":\"BertNormalizer\"", "\"type\":\"NFC\""), Catch::Contains("must be BertNormalizer, got \"NFC\""));
  CHECK_THROWS_WITH(from("{\"type\":\"BertPreTokenizer\"}", "null"), Catch::Contains("must be BertPreTokenizer, got null"));
  CHECK_THROWS_WITH(from("\"type\":\"WordPiece\",\"unk_token\"", "\"type\":\"BPE\",\"unk_token\""),
                    Catch::Contains("got \"BPE\". (here.json)"));
  CHECK(code_of([&] { from("\"clean_text\":true", "\"clean_text\":false"); }) == "graft-K403");
  CHECK(code_of([&] { from("\"single\":[{\"SpecialToken\"", "\"single\":[{\"Other\""); }) == "graft-K403");
  CHECK(code_of([&] { from("\"normalized\":false", "\"normalized\":true"); }) == "graft-K403");
  CHECK(code_of([&] { from("\"##able\":7", "\"##able\":8"); }) == "graft-K403");
  CHECK(code_of([&] { from("\"##able\":7", "\"##able\":700"); }) == "graft-K403");
}
