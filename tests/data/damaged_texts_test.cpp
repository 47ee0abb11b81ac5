#include <random>

#include "graft/data/conll.h"
#include "graft/data/entity_lines.h"
#include "graft/data/squad.h"
#include "support.h"

using namespace graft;

namespace {

/// A few bytes changed, taken out, doubled or cut off.
std::string damaged(std::string text, std::mt19937& random) {
  constexpr std::string_view likely = "\"\\{}[],:- \t\n019BIOE#\xC3\xA9\xF0\x80";
  for (auto changes = 1 + random() % 3; changes > 0 && !text.empty(); --changes) {
    const std::size_t at = random() % text.size();
    switch (random() % 5) {
      case 0:
        text[at] = likely[random() % likely.size()];
        break;
      case 1:
        text.erase(at, 1 + random() % 8);
        break;
      case 2:
        text.insert(at, 1, likely[random() % likely.size()]);
        break;
      case 3:
        text.insert(at, text.substr(at, random() % 20));
        break;
      default:
        if (random() % 4 == 0) text.resize(at);
    }
  }
  return text;
}

}  // namespace

TEST_CASE("Damaged files of questions, tags and entities are read or refused", "[squad][conll][entity_lines][error]") {
  const std::string questions =
      R"({"data": [{"title": "T", "paragraphs": [{"context": "Zoë met Bo in Köln.", "qas": [{"id": "a", "question": "Who?", "is_impossible": false,)"
      R"( "answers": [{"text": "Zoë", "answer_start": 0}, {"text": "Bo", "answer_start": 8}]}, {"id": "b", "question": "Why?", "answers": []}]}]}]})";
  const std::string words = "# x\n-DOCSTART- O\n\nZoë\tB-per\nmet\tO\n\nKöln O B-a\n. O O\nx y E-a\n";
  const std::string entities =
      "{\"text\": \"Zoë in Köln\", \"entities\": [{\"start\": 0, \"end\": 3, \"label\": \"p\"}]}\n{\"text\": \"a🙂b\", \"label\": [[1, "
      "2, \"x\"]]}\n";
  const test::TempDir folder;
  const std::string path = folder.file("damaged");
  std::mt19937 random(1);
  int read = 0, refused = 0;
  const auto check = [&](const std::string& text, const auto& reader) {
    const std::string content = damaged(text, random);
    test::write(path, content);
    INFO(content);
    try {
      const Data data = reader(path);
      for (std::size_t i = 0; i < data.size(); ++i) data.get(i);
      ++read;
    } catch (const DataError& error) {
      ++refused;
      CHECK(error.place().starts_with(path));
    }
  };
  for (int i = 0; i < 700; ++i) {
    check(questions, data::squad);
    check(words, [](const std::string& file) { return data::conll(file); });
    check(entities, data::entity_lines);
  }
  CHECK(read > 100);
  CHECK(refused > 100);
}
