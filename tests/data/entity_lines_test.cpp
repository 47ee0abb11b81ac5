#include "graft/data/entity_lines.h"

#include "support.h"

using namespace graft;

namespace {

using List = std::vector<std::string>;

/// A file of these lines, read.
struct File {
  explicit File(const std::string& content) : path(folder.file("t.jsonl")) { test::write(path, content); }
  Data read() const { return data::entity_lines(path); }
  std::vector<Problem> problems() const {
    return test::error_of<DataError>([&] { read(); }).problems();
  }

  test::TempDir folder;
  std::string path;
};

}  // namespace

TEST_CASE("EntityLines: spans in bytes, first to last, in both forms", "[entity_lines]") {
  const Data data = File(
                        "{\"text\": \"Zoë in Köln\", \"entities\": [{\"start\": 7, \"end\": 11, \"label\": \"city\", \"id\": 3}, "
                        "{\"start\": 0, \"end\": 3, \"label\": \"person\"}]}\n\n"
                        "{\"id\": 1, \"text\": \"a 🙂 b\", \"label\": [[2, 3, \"x\"], [4, 5, \"y\"]]}\r\n"
                        "{\"text\": \"ab\", \"labels\": []}\n{\"text\": \"ab\"}")
                        .read();
  REQUIRE(data.size() == 4);
  const Record first = data.get(0), second = data.get(1), none = data.get(2), unmarked = data.get(3);
  CHECK(first.text("text") == "Zoë in Köln");
  CHECK(at::equal(first.tensor("spans"), at::tensor({0, 4, 8, 13}, at::kLong).view({2, 2})));
  CHECK((std::get<List>(first.values.at("span_labels")) == List{"person", "city"}));
  CHECK(first.place == "t.jsonl:1");
  CHECK(at::equal(second.tensor("spans"), at::tensor({2, 6, 7, 8}, at::kLong).view({2, 2})));
  CHECK(second.place == "t.jsonl:3");
  CHECK(none.tensor("spans").sizes() == at::IntArrayRef({0, 2}));
  CHECK(std::get<List>(none.values.at("span_labels")).empty());
  CHECK(unmarked.has("spans"));
  CHECK_FALSE(unmarked.has_value("spans"));
  CHECK_FALSE(unmarked.has_value("span_labels"));
}

TEST_CASE("EntityLines: spans that cannot be are told together, each with its line", "[entity_lines][error]") {
  const File file(
      "{\"text\": \"abc\", \"label\": [[0, 4, \"x\"]]}\n"
      "{\"text\": \"abc\", \"label\": [[-1, 1, \"x\"]]}\n"
      "{\"text\": \"abc\", \"label\": [[1, 1, \"x\"]]}\n"
      "{\"text\": \"abc\", \"label\": [[2, 3, \"x\"], [0, 3, \"y\"]]}\n"
      "{\"text\": \"abc\", \"label\": [[0, 1, \"\"]]}\n"
      "{\"text\": \"äö-\", \"label\": [[2, 3, \"x\"], [0, 2, \"y\"]]}\n"
      "{\"text\": \" \"}\n");
  const auto problems = file.problems();
  REQUIRE(problems.size() == 6);
  CHECK(problems[0].code == "graft-D039");
  CHECK(problems[0].message == "[EntityLines] an entity within the 3 characters of its text is wanted, got [0, 4, \"x\"].");
  CHECK(problems[0].place == file.path + ":1");
  CHECK(problems[1].code == "graft-D039");
  CHECK(problems[2].code == "graft-D039");
  CHECK(problems[3].message == "[EntityLines] entities that do not overlap are wanted, got [0, 3, \"y\"] and [2, 3, \"x\"].");
  CHECK(problems[4].message == "[EntityLines] a label is wanted, got [0, 1, \"\"].");
  CHECK(problems[5].code == "graft-D033");
  CHECK(problems[5].place == file.path + ":7");
}

TEST_CASE("EntityLines: an entity has a word, and a word has one entity", "[entity_lines][error]") {
  const File file(
      "{\"text\": \"Ada  lives\", \"label\": [[3, 5, \"x\"]]}\n"
      "{\"text\": \"NéwYork is\", \"label\": [[0, 3, \"x\"], [3, 7, \"y\"]]}\n"
      "{\"text\": \"a New York\", \"label\": [[0, 4, \"x\"], [4, 10, \"y\"]]}\n"
      "{\"text\": \"Ada lives, (here)\", \"label\": [[0, 4, \"x\"], [5, 9, \"y\"], [9, 10, \"z\"], [11, 12, \"v\"], [12, 16, \"w\"]]}\n");
  const File chinese("{\"text\": \"张三住在北京\", \"label\": [[0, 2, \"x\"], [4, 6, \"y\"]]}\n");
  CHECK(data::entity_lines(chinese.path).size() == 1);
  const auto problems = file.problems();
  REQUIRE(problems.size() == 3);
  CHECK(problems[0].code == "graft-D039");
  CHECK(problems[0].message == "[EntityLines] an entity with more than white space is wanted, got [3, 5, \"x\"].");
  CHECK(problems[0].place == file.path + ":1");
  CHECK(problems[1].code == "graft-D078");
  CHECK(problems[1].message == "[EntityLines] one entity in a word is wanted, got [0, 3, \"x\"] and [3, 7, \"y\"] in \"NéwYork\".");
  CHECK(problems[1].place == file.path + ":2");
  CHECK(problems[2].message == "[EntityLines] one entity in a word is wanted, got [0, 4, \"x\"] and [4, 10, \"y\"] in \"New\".");
}

TEST_CASE("EntityLines: lines of another form are told", "[entity_lines][error]") {
  const auto message = [](const std::string& line) {
    const auto problems = File(line).problems();
    CHECK(problems[0].code == "graft-D029");
    return problems[0].message;
  };
  CHECK(message("[1]") == "[EntityLines] an object with a text \"text\" is wanted, got [1].");
  CHECK(message("{\"txt\": \"a\"}") == "[EntityLines] an object with a text \"text\" is wanted, got {\"txt\":\"a\"}.");
  CHECK(message("{\"text\": \"a\", \"label\": \"x\"}") == "[EntityLines] an array of entities is wanted in \"label\", got \"x\".");
  const std::string wanted = "[EntityLines] an entity with whole numbers start and end and a text label is wanted, got ";
  CHECK(message("{\"text\": \"a\", \"entities\": [{\"start\": 0, \"label\": \"x\"}]}") == wanted + "{\"label\":\"x\",\"start\":0}.");
  CHECK(message("{\"text\": \"a\", \"label\": [[0, 1.5, \"x\"]]}") == wanted + "[0,1.5,\"x\"].");
  CHECK(message("{\"text\": \"a\", \"label\": [[0, 1]]}") == wanted + "[0,1].");
  CHECK(File("{\"text\"").problems()[0].code == "graft-D003");
  CHECK(File("\n").problems()[0].code == "graft-D010");
  CHECK(File("{\"text\": \"\xE9\"}").problems()[0].code == "graft-D008");
}
