#include "graft/data/squad.h"

#include <chrono>

#include "support.h"

using namespace graft;

namespace {

using List = std::vector<std::string>;

/// A file with this JSON, read.
struct File {
  explicit File(const Json& content) : File(content.dump()) {}
  explicit File(const std::string& content) : path(folder.file("q.json")) { test::write(path, content); }
  Data read() const { return data::squad(path); }
  std::vector<Problem> problems() const {
    return test::error_of<DataError>([&] { read(); }).problems();
  }

  test::TempDir folder;
  std::string path;
};

using Parts = std::vector<Json>;

Json answer(const std::string& text, const Json& start) { return {{"text", text}, {"answer_start", start}}; }
Json question(const std::string& id, const Parts& answers) { return {{"id", id}, {"question", "who " + id + "?"}, {"answers", answers}}; }
Json paragraph(const std::string& context, const Parts& questions) { return {{"context", context}, {"qas", questions}}; }
Json file_of(const Parts& paragraphs) { return {{"version", "v2.0"}, {"data", Parts{{{"title", "T"}, {"paragraphs", paragraphs}}}}}; }
/// A file with one question.
Json file_of(const std::string& context, const Json& question) { return file_of({paragraph(context, {question})}); }

}  // namespace

TEST_CASE("Squad: a record for each question, with offsets in bytes", "[squad]") {
  const Json first = paragraph("Zoë met Bo  in Köln.", {question("a", {answer("Bo", 8), answer("in Köln", 12), answer("Zoë", 0)})});
  const Json second = paragraph("日本🙂 x", {question("b", {answer("x", 4)}), question("c", {}), question("7", {answer("🙂 x", 2)})});
  const Data data = File(file_of({first, second})).read();
  REQUIRE(data.size() == 4);
  const Record a = data.get(0);
  CHECK(a.place == "q.json:article 1, paragraph 1, question 1 (a)");
  CHECK(a.text("id") == "a");
  CHECK(a.text("title") == "T");
  CHECK(a.text("question") == "who a?");
  CHECK(a.text("context") == "Zoë met Bo  in Köln.");
  CHECK((std::get<List>(a.values.at("answers")) == List{"Bo", "in Köln", "Zoë"}));
  CHECK(at::equal(a.tensor("answer_starts"), at::tensor({9, 13, 0}, at::kLong)));
  CHECK(at::equal(data.get(1).tensor("answer_starts"), at::tensor({11}, at::kLong)));
  CHECK(at::equal(data.get(3).tensor("answer_starts"), at::tensor({6}, at::kLong)));
  CHECK(data.get(3).place == "q.json:article 1, paragraph 2, question 3 (7)");
  const Record c = data.get(2);
  CHECK(std::get<List>(c.values.at("answers")).empty());
  CHECK(c.tensor("answer_starts").sizes() == at::IntArrayRef{0});
  CHECK(c.tensor("answer_starts").scalar_type() == at::kLong);
}

TEST_CASE("Squad: version 2.0, files to predict on, numbers for ids", "[squad]") {
  const Json impossible = {
      {"id", 12}, {"question", "q"}, {"is_impossible", true}, {"answers", Parts{}}, {"plausible_answers", Parts{answer("nowhere", 99)}}};
  const Json bare = {{"id", "p"}, {"question", "q"}};
  const Json forgotten = {{"id", "f"}, {"question", "q"}, {"is_impossible", false}, {"answers", Parts{}}};
  const Json article = {{"paragraphs", Parts{paragraph("c", {impossible, bare, forgotten}), paragraph("", {})}}};
  const Data data = File(Json{{"data", Parts{article}}}).read();
  REQUIRE(data.size() == 3);
  CHECK(data.get(0).text("id") == "12");
  CHECK(data.get(0).text("title").empty());
  CHECK(std::get<List>(data.get(0).values.at("answers")).empty());
  CHECK_FALSE(data.get(1).has("answers"));
  CHECK_FALSE(data.get(2).has("answers"));
}

TEST_CASE("Squad: answers that do not stand where they should are told together, with where they do", "[squad][error]") {
  const std::string context = "Äpfel und Birnen und Äpfel";
  const File file(file_of({paragraph(context, {question("a", {answer("Birnen", 11), answer("und", 6)}), question("b", {answer("und", 5)}),
                                               question("c", {answer("Kirschen", 2)}), question("d", {answer("Äpfel", 26)}),
                                               question("e", {answer("Äpfel", -1)}), question("f", {answer("Äpfel", "0")})})}));
  const auto problems = file.problems();
  REQUIRE(problems.size() == 6);
  CHECK(problems[0].code == "graft-D032");
  CHECK(problems[0].message == "[Squad] the answer \"Birnen\" is wanted at character 11 of its context, where \"irnen und Äpfel\" stands.");
  CHECK(problems[0].remedy == "It stands in the context once: write \"answer_start\": 10.");
  CHECK(problems[0].place == file.path + ":article 1, paragraph 1, question 1 (a)");
  CHECK(problems[1].remedy ==
        "It stands in the context 2 times, first at 6: write the offset of the one that is meant, counted in characters.");
  CHECK(problems[1].place == file.path + ":article 1, paragraph 1, question 2 (b)");
  CHECK(problems[2].remedy == "The context does not hold this text: mend one of them.");
  CHECK(problems[3].message == "[Squad] the answer \"Äpfel\" is wanted at character 26 of its context, and the context has 26.");
  CHECK(problems[4].message == "[Squad] the answer \"Äpfel\" is wanted at character -1 of its context, and the context has 26.");
  CHECK(problems[5].code == "graft-D031");
  CHECK(problems[5].message == "[Squad] a whole number \"answer_start\" is wanted beside the answer \"Äpfel\".");
}

TEST_CASE("Squad: empty texts, ids given twice and impossible questions with answers are told", "[squad][error]") {
  const Json twice = question("a", {});
  Json impossible = question("i", {answer("c", 0)});
  impossible["is_impossible"] = true;
  Json empty = question("e", {answer("", 0)});
  empty["question"] = " \n";
  const auto problems =
      File(file_of({paragraph("c", {twice, twice, impossible, empty}), paragraph("\t", {question("b", {answer("x", 0)})})})).problems();
  REQUIRE(problems.size() == 5);
  CHECK(problems[0].code == "graft-D034");
  CHECK(problems[0].message == "[Squad] the id \"a\" is wanted once, article 1, paragraph 1, question 1 (a) has it too.");
  CHECK(problems[1].code == "graft-D035");
  CHECK(problems[1].message == "[Squad] no answers are wanted where is_impossible is true, got 1.");
  CHECK(problems[2].code == "graft-D033");
  CHECK(problems[2].message == "[Squad] a text is wanted in \"question\", which is empty.");
  CHECK(problems[3].message == "[Squad] a text is wanted in \"text\", which is empty.");
  CHECK(problems[4].message == "[Squad] a text is wanted in \"context\", which is empty.");
  CHECK(problems[4].place.ends_with(":article 1, paragraph 2"));
}

TEST_CASE("Squad: JSON of another shape is told with its place", "[squad][error]") {
  const auto message = [](const Json& content) {
    const auto problems = File(content).problems();
    CHECK(problems[0].code == "graft-D031");
    return problems[0].message;
  };
  CHECK(message(Json::array()) == "[Squad] an array named \"data\" in an object is wanted, got [].");
  CHECK(message({{"data", Parts{1}}}) == "[Squad] an array named \"paragraphs\" in an object is wanted, got 1.");
  CHECK(message(file_of({Json{{"context", "c"}}})) == "[Squad] an array named \"qas\" in an object is wanted, got {\"context\":\"c\"}.");
  CHECK(message(file_of("c", Json{{"id", "a"}, {"question", 1.5}})) ==
        "[Squad] a text named \"question\" in an object is wanted, got {\"id\":\"a\",\"question\":1.5}.");
  CHECK(message(file_of("c", Json{{"id", "a"}, {"question", "q"}, {"answers", "c"}})).starts_with("[Squad] an array named \"answers\""));
  CHECK(message(file_of("c", question("a", {"c"}))) == "[Squad] a text named \"text\" in an object is wanted, got \"c\".");
  CHECK(File(std::string("{\"data\": ")).problems()[0].code == "graft-D003");
  CHECK(File(std::string("{\"data\": [\"\xE9\"]}")).problems()[0].code == "graft-D008");
  CHECK(File(Json{{"data", Parts{}}}).problems()[0].code == "graft-D010");
}

TEST_CASE("Squad: after a hundred problems it ends", "[squad][error]") {
  Parts questions;
  for (int i = 0; i < 150; ++i) questions.push_back(question(std::to_string(i), {answer("nowhere", 0)}));
  CHECK(File(file_of({paragraph("c", questions)})).problems().size() == 100);
}

TEST_CASE("Squad: a context of 100,000 words is read in less than a second", "[squad]") {
  std::string context;
  for (int i = 0; i < 100'000; ++i) context += "wört" + std::to_string(i) + " ";
  Parts questions;
  const auto start = static_cast<std::int64_t>(context.find("wört99999"));
  for (int i = 0; i < 200; ++i) questions.push_back(question(std::to_string(i), {answer("wört99999", start - 99'999)}));
  const File file(file_of({paragraph(context, questions)}));
  const auto begin = std::chrono::steady_clock::now();
  CHECK(file.read().get(199).tensor("answer_starts").item<std::int64_t>() == start);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
}

TEST_CASE("Squad: the published file reads, and its answers stand where they are said to", "[squad][data]") {
  const Data data = data::squad(test::test_data("qa_xquad_en/xquad.en.json"));
  REQUIRE(data.size() == 1190);
  for (std::size_t i = 0; i < data.size(); ++i) {
    const Record record = data.get(i);
    const auto& answers = std::get<List>(record.values.at("answers"));
    REQUIRE(answers.size() == 1);
    const auto start = static_cast<std::size_t>(record.tensor("answer_starts").item<std::int64_t>());
    REQUIRE(record.text("context").substr(start, answers[0].size()) == answers[0]);
  }
}
