#include "graft/text/byte_pairs.h"
#include "support.h"

// tests/golden/make_byte_pairs.py says where the expected values come from.

using namespace graft;
using text::BytePairs;
using text::Piece;

namespace {

std::vector<Piece> pieces_of(const Json& expected) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < expected.at("ids").size(); ++i)
    pieces.push_back({expected.at("ids")[i], expected.at("begin")[i], expected.at("end")[i]});
  return pieces;
}

std::string shown(const std::vector<Piece>& pieces) {
  std::string text;
  for (const Piece& piece : pieces)
    text += std::to_string(piece.id) + "@" + std::to_string(piece.begin) + "-" + std::to_string(piece.end) + " ";
  return text;
}

BytePairs variant(const std::string& name) {
  const std::string vocabulary = test::golden_path("tiny_bpe/vocab.json");
  if (name == "roberta") return BytePairs::load(vocabulary);
  if (name == "prefix") return BytePairs::load(vocabulary, {.add_prefix_space = true, .keeps_first_space = true});
  if (name == "whole") return BytePairs::load(vocabulary, {.add_prefix_space = true, .trim_offsets = false});
  if (name == "keeps") return BytePairs::load(vocabulary, {.keeps_first_space = true});
  return BytePairs::load(test::golden_path("tiny_bpe/added.json"));
}

std::string from_hexadecimal(const std::string& digits) {
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

}  // namespace

TEST_CASE("BytePairs gives the ids and offsets of Hugging Face's tokenizers on hard strings", "[text]") {
  const std::string name = GENERATE("roberta", "prefix", "whole", "keeps", "added");
  const BytePairs loaded = variant(name), saved = BytePairs::from_json(loaded.to_json(128));
  const Json strings = test::golden("byte_pairs.json").at("strings");
  REQUIRE(strings.size() > 180);
  for (const Json& string : strings) {
    const std::string text = string.at("text");
    INFO(name << ": " << string.at("text").dump(-1, ' ', true));
    CHECK(shown(loaded.encode(text)) == shown(pieces_of(string.at(name))));
    CHECK((saved.encode(text) == loaded.encode(text)));
  }
}

TEST_CASE("BytePairs reads bytes that are not UTF-8 as Python's replace does", "[text]") {
  const BytePairs words = variant("roberta");
  const Json strings = test::golden("byte_pairs.json").at("broken");
  REQUIRE(strings.size() == 17);
  for (const Json& broken : strings) {
    INFO(broken.at("bytes"));
    CHECK(shown(words.encode(from_hexadecimal(broken.at("bytes")))) == shown(pieces_of(broken)));
  }
}

TEST_CASE("BytePairs: a tokenizer.json of Hugging Face is its vocab.json and merges.txt", "[text]") {
  const BytePairs published = BytePairs::load(test::golden_path("tiny_bpe/tokenizer.json")), plain = variant("roberta");
  CHECK(published.options().added == plain.options().added);
  CHECK(published.frame() == plain.frame());
  CHECK(published.to_json(64) == plain.to_json(64));
  CHECK(published.frame() == text::Frame{.begin = 0, .end = 2, .pad = 1, .unknown = 3, .separators = 2, .types = false});
  CHECK(text::load_subwords(test::golden_path("tiny_bpe"))->to_json(64) == plain.to_json(64));
  CHECK(text::load_subwords(test::golden_path("tiny_bpe/vocab.json"))->to_json(64) == plain.to_json(64));
}
