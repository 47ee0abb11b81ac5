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
  const Result measured = run.graft("evaluate " + run.model() + " --data " + run.graft.folder.file("test.conll"));
  CHECK(measured.out.find("f1 ") != std::string::npos);
  CHECK(measured.out.find("f1_strict ") != std::string::npos);
  CHECK(measured.err.find("graft-W026") == std::string::npos);

  SECTION("spans with offsets in characters are written to tables") {
    const std::string csv = run.graft.folder.file("out.csv"), jsonl = run.graft.folder.file("out.jsonl");
    REQUIRE(run.graft("predict " + run.model() + " --csv " + run.write("new.csv", "text\n\xC3\xA9 a y 4 c\n") + " --out " + csv).code == 0);
    CHECK(read_file(csv).starts_with("text,prediction,score,spans\n\xC3\xA9 a y 4 c,y 4 [end],"));
    CHECK(read_file(csv).find("\"\"start\"\":4") != std::string::npos);
    const std::string lines = run.write("new.jsonl", "{\"text\": \"\xC3\xA9 a y 4 c\"}\n{\"text\": \" \"}\n");
    REQUIRE(run.graft("predict " + run.model() + " --csv " + lines + " --out " + jsonl).code == 0);
    const std::string written = read_file(jsonl);
    const Json first = Json::parse(written.substr(0, written.find('\n'))), second = Json::parse(written.substr(written.find('\n') + 1));
    CHECK(first.at("spans") == answer.at("spans"));
    CHECK(second.at("spans") == Json::array());
  }
  SECTION("kinds that the model does not know, and entities in JSON lines, whatever the first says") {
    const std::string first = GENERATE("{\"text\": \"a b\", \"labels\": []}", "\n{\"text\": \"a b\", \"label\": []}");
    const std::string lines =
        run.write("marked.jsonl", first + "\n{\"text\": \"a y 4 c\", \"labels\": [[2, 5, \"end\"], [6, 7, \"date\"]]}\n");
    const Result told = run.graft("evaluate " + run.model() + " --json --data " + lines);
    INFO(told.err);
    REQUIRE(told.code == 0);
    CHECK(
        told.err.find("graft-W026: [Data] the data has entities of 1 kind that the model does not know: \"date\" 1 times (marked.jsonl:") !=
        std::string::npos);
    CHECK(Json::parse(told.out).at("metrics").at("recall") == 0.5);
    const std::string silent = run.write("silent.jsonl", "{\"text\": \"a b\"}\n" + read_file(lines));
    CHECK(run.graft("evaluate " + run.model() + " --data " + silent).err.find("graft-D044") != std::string::npos);
    CHECK(run.graft("train --check --backbone " + run.graft.imported() + " --train " + silent).err.find("(silent.jsonl:1)") !=
          std::string::npos);
  }
}

TEST_CASE("graft train: parts of speech from columns that flags name, shown word by word", "[cli]") {
  const Run run;
  std::string text;
  for (std::size_t i = 0; i < 300; ++i) {
    Rng rng(0, 7, i);
    for (std::uint64_t word = 0, words = 1 + rng.below(8); word < words; ++word) {
      const bool is_digit = rng.below(2) == 0;
      text += std::string(is_digit ? "NUM " : "LET ") +
              std::string(1, static_cast<char>(is_digit ? '0' + rng.below(10) : 'a' + rng.below(8))) + " _\n";
    }
    text += "\n";
  }
  const std::string columns = " --token-column 1 --tag-column 0", file = run.write("tagged.txt", text);
  const Json report = run.train("--max-length 32 --train " + file + columns);
  CHECK(report.at("metrics").at("accuracy") > 0.95);
  CHECK(Json::parse(read_file(run.graft.folder.file("run/config.json"))).at("tag-column") == "0");
  CHECK(run.graft("predict " + run.model() + " 'a 4'").out == "[a LET] [4 NUM]\n");
  const std::string csv = run.graft.folder.file("out.csv");
  REQUIRE(run.graft("predict " + run.model() + " --csv " + run.write("new.csv", "text\na 4\n") + " --out " + csv).code == 0);
  CHECK(read_file(csv).find("\na 4,\"a [LET], 4 [NUM]\",") != std::string::npos);
  const std::string evaluate = "evaluate " + run.model() + " --json --data ";
  CHECK(Json::parse(run.graft(evaluate + file + columns).out).at("metrics").at("accuracy") > 0.95);
  const std::string universal = run.write("t.conllu", "# text = a 4\n1-2\tx\t_\t_\n1\ta\ta\tLET\n2\t4\t4\tNUM\n\n1\tb\tb\tLET\n");
  CHECK(Json::parse(run.graft(evaluate + universal).out).at("metrics").at("accuracy") == 1);
  const Result unknown = run.graft("evaluate " + run.model() + " --data " + run.write("other.conll", "a DT\nb DT\n"));
  CHECK(unknown.out.find("accuracy              undefined") != std::string::npos);
}

TEST_CASE("graft: columns of tagged words that are none, and tags out of order, are told with the flags", "[cli][error]") {
  const Run run;
  const auto told = [&](const std::string& flags) {
    const Result result = run.graft("train --backbone " + run.graft.imported() + " --out " + run.graft.folder.file("r") + " " + flags);
    CHECK(result.code == 2);
    return result.err;
  };
  const std::string file = run.write("bad.conll", "a\tO\nb\tI-x\nc\tB-x\nd\tB-y\n");
  const std::string strict = told("--strict-tags --train " + file);
  CHECK(strict.find("error graft-D038") != std::string::npos);
  CHECK(strict.find("bad.conll:2") != std::string::npos);
  CHECK(told("--tag-column x --train " + file).find("a number is wanted for --tag-column, got \"x\"") != std::string::npos);
  CHECK(told("--tag-column 7 --train " + file).find("a tag in column 7 are wanted") != std::string::npos);
  CHECK(told("--train " + run.write("mixed.conll", "a B-x\nb NN\n")).find("--tag-column N") != std::string::npos);
  const std::string lines = run.write("hf.jsonl", "{\"tokens\": [\"a\"], \"tags\": [\"O\"]}\n");
  CHECK(told("--task tokens --train " + lines).find("error graft-D029") != std::string::npos);
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
