// Writes what graft makes of the vocabularies and texts of tests/golden/check_subwords.py, which compares. Hidden: tests/run.sh runs it
// where a Python with tokenizers is.
#include <cstdlib>

#include "core/file.h"
#include "graft/text/subwords.h"
#include "support.h"

using namespace graft;

TEST_CASE("Subwords: pieces of trained vocabularies for Python", "[.][python]") {
  const char* folder = std::getenv("GRAFT_CHECK_DIR");
  REQUIRE(folder != nullptr);
  const std::string base = folder;
  const Json texts = Json::parse(read_file(base + "/texts.json"));
  for (const std::string name : Json::parse(read_file(base + "/names.json"))) {
    const auto words = text::load_subwords(base + "/" + name + "/tokenizer.json");
    Json pieces = Json::array();
    for (const std::string text : texts) {
      Json of_text = Json::array();
      for (const text::Piece& piece : words->encode(text)) of_text.push_back({piece.id, piece.begin, piece.end});
      pieces.push_back(std::move(of_text));
    }
    test::write(base + "/" + name + "/pieces.json", pieces.dump());
    test::write(base + "/" + name + "/graft.json", words->to_json(512));
    CHECK(pieces.size() == texts.size());
  }
}
