// Questions that texts answer, entities and pairs, on the terminal.
#include "program.h"

using namespace graft;
using test::Program;
using test::Result;

namespace {

/// Letters with one of x, y, z and a digit among them.
struct Line {
  std::string before, marked, after;
  std::string text() const { return before + marked + after; }
};

Line line(std::uint64_t seed, std::size_t index) {
  Rng rng(seed, 3, index);
  const auto letters = [&](std::uint64_t most) {
    std::string text;
    for (std::uint64_t i = 0, n = rng.below(most); i < n; ++i) text += std::string(1, static_cast<char>('a' + rng.below(8))) + " ";
    return text;
  };
  Line made{letters(7), std::string(1, static_cast<char>('x' + rng.below(3))) + " " + std::to_string(rng.below(10)), " "};
  made.after += letters(7);
  made.after.pop_back();
  return made;
}

std::string questions(std::size_t size, std::uint64_t seed) {
  Json paragraphs = Json::array();
  for (std::size_t i = 0; i < size; ++i) {
    const Line made = line(seed, i);
    paragraphs.push_back(
        {{"context", made.text()},
         {"qas", Json::array({{{"id", std::to_string(i)},
                               {"question", "which"},
                               {"answers", Json::array({{{"text", made.marked}, {"answer_start", made.before.size()}}})}}})}});
  }
  return Json({{"version", "1.1"}, {"data", Json::array({{{"title", "toy"}, {"paragraphs", paragraphs}}})}}).dump();
}

std::string tagged(std::size_t size, std::uint64_t seed) {
  std::string text;
  const auto add = [&](const std::string& words) {
    for (const char c : words) {
      if (c != ' ') text += std::string(1, c) + "\tO\n";
    }
  };
  for (std::size_t i = 0; i < size; ++i) {
    const Line made = line(seed, i);
    add(made.before);
    text += made.marked.substr(0, 1) + "\tB-end\n" + made.marked.substr(2) + "\tI-end\n";
    add(made.after);
    text += "\n";
  }
  return text;
}

struct Run {
  Program graft;
  std::string write(const std::string& name, const std::string& content) const {
    test::write(graft.folder.file(name), content);
    return graft.folder.file(name);
  }
  Json train(const std::string& flags) const {
    const Result result = graft("train --backbone " + graft.imported() + " --out " + graft.folder.file("run") +
                                " --json --preset full --lr 5e-3 --backbone-lr 0.5 --epochs 4 " + flags);
    INFO(result.err << result.out);
    REQUIRE(result.code == 0);
    return Json::parse(result.out);
  }
  std::string model() const { return graft.folder.file("run/model.pt"); }
};

}  // namespace

TEST_CASE("graft train: entities of a CoNLL file, found in texts with offsets in characters", "[cli]") {
  const Run run;
  const Json report = run.train("--max-length 32 --train " + run.write("train.conll", tagged(300, 0)) + " --test " +
                                run.write("test.conll", tagged(40, 1)));
  CHECK(report.at("metrics").at("f1") > 0.9);
  CHECK(Json::parse(read_file(run.graft.folder.file("run/config.json"))).at("task") == "tokens");
  const Json answer = Json::parse(run.graft("predict " + run.model() + " '\u00e9 a y 4 c' --json").out).at("predictions").at(0);
  REQUIRE(answer.at("spans").size() == 1);
  CHECK(answer.at("spans").at(0).at("text") == "y 4");
  CHECK(answer.at("spans").at(0).at("label") == "end");
  CHECK(answer.at("spans").at(0).at("start") == 4);
  CHECK(answer.at("spans").at(0).at("end") == 7);
  CHECK(answer.at("tags").size() == 5);
  CHECK(run.graft("predict " + run.model() + " 'a y 4 c'").out == "a [y 4 end] c\n");
  CHECK(run.graft("evaluate " + run.model() + " --data " + run.graft.folder.file("test.conll")).out.find("f1 ") != std::string::npos);
}

TEST_CASE("graft train: answers to questions, found in a file of many windows", "[cli]") {
  const Run run;
  const Json report = run.train("--max-length 64 --train " + run.write("train.json", questions(400, 0)) + " --test " +
                                run.write("test.json", questions(40, 1)));
  CHECK(report.at("metrics").at("exact_match") > 0.7);
  std::string context;
  for (int i = 0; i < 50; ++i) context += "a b c d ";
  const std::string file = run.write("manual.txt", context + "z 7 " + context);
  const std::string ask = "predict " + run.model() + " --question which --context ";
  const Json answer = Json::parse(run.graft(ask + file + " --json").out).at("predictions").at(0);
  CHECK(answer.at("label") == "z 7");
  CHECK(answer.at("spans").at(0).at("start") == context.size());
  const Result shown = run.graft(ask + file);
  CHECK(shown.out.find("c d [z 7] a b") != std::string::npos);
  CHECK(run.graft(ask + "-", "a b z 7 c").out.find(" z 7") != std::string::npos);
}

TEST_CASE("graft train: two texts are compared where columns say so, or --task pairs does", "[cli]") {
  const Run run;
  std::string csv = "premise,hypothesis,label\n";
  for (std::size_t i = 0; i < 300; ++i) {
    Rng rng(0, 5, i);
    const auto letter = [&] { return std::string(1, static_cast<char>('a' + rng.below(3))); };
    const std::string first = letter(), second = letter();
    csv += first + "," + second + "," + (second == "a" ? "yes" : "no") + "\n";
  }
  const Json report = run.train("--max-length 32 --train " + run.write("pairs.csv", csv));
  CHECK(report.at("metrics").at("accuracy") > 0.95);
  CHECK(Json::parse(read_file(run.graft.folder.file("run/config.json"))).at("task") == "pairs");
  const std::string out = run.graft.folder.file("answers.csv");
  REQUIRE(run.graft("predict " + run.model() + " --csv " + run.write("new.csv", "premise,hypothesis\nc,a\na,c\n") + " --out " + out).code ==
          0);
  const std::string answers = read_file(out);
  CHECK(answers.find("c,a,yes,") != std::string::npos);
  CHECK(answers.find("a,c,no,") != std::string::npos);
}

TEST_CASE("graft: mistakes with questions, tags and pairs are told with what to do", "[cli][error]") {
  const Run run;
  const auto told = [&](const std::string& flags) { return run.graft("train --backbone " + run.graft.imported() + " --out x " + flags); };
  const std::string csv = run.write("plain.csv", "text,label\na,x\nb,y\n");
  Result result = told("--task qa --train " + csv);
  CHECK(result.code == 2);
  CHECK(result.err.find("graft-D045") != std::string::npos);
  result = told("--task pairs --train " + csv);
  CHECK(result.code == 2);
  CHECK(result.err.find("graft-D046") != std::string::npos);
  std::string wrong = questions(3, 0);
  wrong.replace(wrong.find("\"answer_start\":") + 15, 1, "99");
  result = told("--train " + run.write("wrong.json", wrong));
  CHECK(result.code == 2);
  CHECK(result.err.find("article 1, paragraph") != std::string::npos);
  CHECK(run.graft("predict model.pt --question which").err.find("--context") != std::string::npos);
}
