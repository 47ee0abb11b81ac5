#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "graft/data/csv.h"
#include "graft/text/wordpiece.h"

// tests/golden/make_tokens.py says where the expected values come from.

using graft::Data;
using graft::text::Piece;
using graft::text::WordPiece;
using graft::text::WordPieceOptions;
using Json = nlohmann::ordered_json;  // the lists of CLINC150 count in the order of the file

namespace {

std::string folder(const char* variable) {
  const char* value = std::getenv(variable);
  INFO(variable << " must name a folder");
  REQUIRE(value != nullptr);
  return value;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  INFO(path);
  REQUIRE(file);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

Json golden() { return Json::parse(read_file(std::string(GRAFT_TEST_DIR) + "/golden/tokens.json")); }

std::vector<std::int64_t> ids_of(const std::vector<Piece>& pieces) {
  std::vector<std::int64_t> ids;
  for (const Piece& piece : pieces) ids.push_back(piece.id);
  return ids;
}

/// FNV-1a, as make_tokens.py describes it.
class Digest {
 public:
  void add(std::int64_t id) {
    const auto bits = static_cast<std::uint32_t>(id);
    for (unsigned shift = 0; shift < 32; shift += 8) value_ = (value_ ^ ((bits >> shift) & 0xFFU)) * 1099511628211U;
  }
  std::string hex() const {
    std::ostringstream text;
    text << std::hex << std::setfill('0') << std::setw(16) << value_;
    return text.str();
  }

 private:
  std::uint64_t value_ = 14695981039346656037U;
};

void check_set(const std::vector<std::string>& texts, const Json& expected) {
  const WordPiece words = WordPiece::load(folder("GRAFT_MINILM") + "/vocab.txt");
  REQUIRE(texts.size() == expected.at("num_texts"));
  for (const Json& sample : expected.at("samples")) {
    const std::string& text = texts.at(sample.at("index"));
    INFO(text);
    CHECK(ids_of(words.encode(text)) == sample.at("ids").get<std::vector<std::int64_t>>());
  }
  Digest digest;
  for (const std::string& text : texts) {
    for (const Piece& piece : words.encode(text)) digest.add(piece.id);
    digest.add(-1);
  }
  CHECK(digest.hex() == expected.at("digest"));
}

}  // namespace

TEST_CASE("WordPiece gives the ids and offsets of Hugging Face's tokenizers on hard strings", "[text][data]") {
  const std::string path = folder("GRAFT_MINILM") + "/vocab.txt";
  const auto [name, options] = GENERATE(
      table<std::string, WordPieceOptions>({{"uncased", {}}, {"cased", {.lowercase = false}}, {"accents", {.strip_accents = false}}}));
  const WordPiece loaded = WordPiece::load(path, options);
  const WordPiece saved = WordPiece::from_json(loaded.to_json(128));
  const Json strings = golden().at("strings");
  REQUIRE(strings.size() > 100);
  for (const Json& string : strings) {
    const std::string text = string.at("text");
    const Json& expected = string.at(name);
    std::vector<Piece> pieces;
    for (std::size_t i = 0; i < expected.at("ids").size(); ++i) {
      pieces.push_back({expected.at("ids")[i], expected.at("begin")[i], expected.at("end")[i]});
    }
    INFO(name << ": " << string.at("text").dump(-1, ' ', true));
    CHECK((loaded.encode(text) == pieces));
    CHECK((saved.encode(text) == pieces));
  }
}

TEST_CASE("WordPiece reads the tokenizer.json of a published model", "[text][data]") {
  const WordPiece from_vocabulary = WordPiece::load(folder("GRAFT_MINILM") + "/vocab.txt");
  const WordPiece from_json = WordPiece::load(folder("GRAFT_MINILM") + "/tokenizer.json");
  CHECK(from_json.options() == from_vocabulary.options());
  CHECK(from_json.to_json(128) == from_vocabulary.to_json(128));
}

TEST_CASE("WordPiece gives the ids of Hugging Face's tokenizers on BANKING77", "[text][data]") {
  std::vector<std::string> texts;
  for (const char* part : {"train", "test"}) {
    const Data data = graft::data::csv(folder("GRAFT_TEST_DATA") + "/banking77/banking_data/" + part + ".csv");
    for (std::size_t i = 0; i < data.size(); ++i) texts.push_back(data.get(i).text("text"));
  }
  check_set(texts, golden().at("sets").at("banking77"));
}

TEST_CASE("WordPiece gives the ids of Hugging Face's tokenizers on CLINC150", "[text][data]") {
  std::vector<std::string> texts;
  for (const Json& rows : Json::parse(read_file(folder("GRAFT_TEST_DATA") + "/clinc150/data_small.json"))) {
    for (const Json& row : rows) texts.push_back(row.at(0));
  }
  check_set(texts, golden().at("sets").at("clinc150"));
}
