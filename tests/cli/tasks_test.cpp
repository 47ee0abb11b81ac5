// What graft train learns from which files, and what graft predict makes of them.
#include "halves.h"
#include "program.h"

using namespace graft;
using test::lines;
using test::Program;
using test::Result;

namespace {

/// The words of a toy message that tell its class.
bool has_word(const std::string& text, const std::string& word) { return (" " + text + " ").find(" " + word + " ") != std::string::npos; }

struct Tasks {
  Program graft;
  Data messages = test::toy_messages(160, 0);

  std::string write(const std::string& name, const std::string& header,
                    const std::function<std::string(const std::string& text)>& row) const {
    std::string content = header;
    for (std::size_t i = 0; i < messages.size(); ++i) content += row(messages.get(i).text("message")) + "\n";
    test::write(graft.folder.file(name), content);
    return graft.folder.file(name);
  }
  Json train(const std::string& data, const std::string& flags = "") const {
    const Result result =
        graft("train --backbone " + graft.imported() + " --train " + data + " --out " + graft.folder.file("run") + " --json " + flags);
    INFO(result.err);
    REQUIRE(result.code == 0);
    return Json::parse(result.out);
  }
  std::string model() const { return graft.folder.file("run/model.pt"); }
};

}  // namespace

TEST_CASE("graft train: labels joined in a column are learned as sets, and said so", "[cli]") {
  const Tasks t;
  const std::string data = t.write("tags.csv", "message,tags\n", [](const std::string& text) {
    return text + "," + (has_word(text, "a") ? has_word(text, "b") ? "a;b" : "a" : has_word(text, "b") ? "b" : "");
  });
  const Json report = t.train(data);
  CHECK(report.at("metrics").at("micro_f1") > 0.9);
  const Result asked = t.graft("predict " + t.model() + " 'a b a b' 'p q r'");
  INFO(asked.out);
  CHECK(asked.out.find(" a;b  ") != std::string::npos);
  CHECK(t.graft("evaluate " + t.model() + " --data " + data).code == 0);
}

TEST_CASE("graft train: columns of 0 and 1 are learned as labels of their own", "[cli]") {
  const Tasks t;
  const std::string data = t.write("flags.csv", "message,has_a,has_b\n", [](const std::string& text) {
    return text + "," + std::to_string(has_word(text, "a")) + "," + std::to_string(has_word(text, "b"));
  });
  CHECK(t.train(data, "--label has_a,has_b").at("metrics").at("macro_f1") > 0.9);
}

TEST_CASE("graft train: a column of numbers is learned as a quantity, in the units of the data", "[cli]") {
  const Tasks t;
  const std::string data = t.write("prices.csv", "message,score\n", [](const std::string& text) {
    return text + "," + (has_word(text, "a") || has_word(text, "b") ? "105.5" : has_word(text, "h") ? "20.25" : "-3.5");
  });
  const Json report = t.train(data);
  CHECK(report.at("metrics").at("r2") > 0.8);
  const Json answers = Json::parse(t.graft("predict " + t.model() + " 'a b a b' 'p q r' --json").out).at("predictions");
  CHECK(answers.at(0).at("values").at("score").at(0) > 70);
  CHECK(answers.at(1).at("values").at("score").at(0) < 30);
  const std::string out = t.graft.folder.file("answers.csv");
  REQUIRE(t.graft("predict " + t.model() + " --csv " + data + " --out " + out).code == 0);
  CHECK(read_file(out).starts_with("message,score,prediction\n"));
}

TEST_CASE("graft train: JSONL and several text columns", "[cli]") {
  const Tasks t;
  const std::string data = t.write("data.jsonl", "", [](const std::string& text) {
    return Json{{"subject", text.substr(0, text.find(' '))},
                {"body", text.substr(text.find(' ') + 1)},
                {"queue", has_word(text, "a") ? "A" : "other"}}
        .dump();
  });
  CHECK(t.train(data, "--text subject,body").at("metrics").at("accuracy") > 0.85);
  const std::string out = t.graft.folder.file("answers.jsonl");
  REQUIRE(t.graft("predict " + t.model() + " --csv " + data + " --out " + out).code == 0);
  const std::string answered = read_file(out);
  CHECK(lines(answered) == 160);
  const Json first = Json::parse(answered.substr(0, answered.find('\n')));
  CHECK(first.contains("prediction"));
  CHECK(first.contains("score"));
  CHECK(first.contains("body"));
}

TEST_CASE("graft predict --csv adds columns and leaves the rows as they are written", "[cli]") {
  const Tasks t;
  const Program& graft = t.graft;
  const std::string run = graft.trained();
  const std::string in = graft.folder.file("in.csv"), out = graft.folder.file("out.csv");
  test::write(in, "id,message\r\n\"1\",\"a b, a\"\r\n2,p q r\n");
  const Result result = graft("predict " + run + "/model.pt --csv " + in + " --out " + out);
  INFO(result.err);
  REQUIRE(result.code == 0);
  const std::string answered = read_file(out);
  INFO(answered);
  CHECK(answered.starts_with("id,message,prediction,score\n\"1\",\"a b, a\",A,"));
  CHECK(answered.find("\n2,p q r,C,") != std::string::npos);
  SECTION("empty lines, line ends in cells and a mark of the byte order are no rows") {
    test::write(in, "\xEF\xBB\xBFmessage,id\n\n\"a\nb a\",1\n\r\n\np q r,2");
    REQUIRE(graft("predict " + run + "/model.pt --csv " + in + " --out " + out).code == 0);
    const std::string written = read_file(out);
    INFO(written);
    CHECK(written.starts_with("\xEF\xBB\xBFmessage,id,prediction,score\n\"a\nb a\",1,A,"));
    CHECK(written.find("\np q r,2,C,") != std::string::npos);
    CHECK(lines(written) == 4);
  }
  SECTION("a file that has the columns already is refused") {
    const Result again = graft("predict " + run + "/model.pt --csv " + out + " --out " + graft.folder.file("twice.csv"));
    CHECK(again.code == 2);
    CHECK(again.err.find("graft-D102") != std::string::npos);
  }
  SECTION("a missing column and a flag alone are told") {
    test::write(in, "id,text\n1,a\n");
    CHECK(graft("predict " + run + "/model.pt --csv " + in + " --out " + out).err.find("graft-D012") != std::string::npos);
    CHECK(graft("predict " + run + "/model.pt --csv " + in).err.find("--out") != std::string::npos);
    test::write(graft.folder.file("in.conll"), "a O\n");
    CHECK(graft("predict " + run + "/model.pt --csv " + graft.folder.file("in.conll") + " --out " + out).err.find("graft-D077") !=
          std::string::npos);
  }
}

TEST_CASE("graft train: goes on from a saved model, and adds a class that is new", "[cli]") {
  const Tasks t;
  const Program& graft = t.graft;
  const std::string first = graft.trained();
  std::string csv = read_file(graft.folder.file("train.csv"));
  for (int i = 0; i < 20; ++i) csv += "x y z x y,New\n";
  test::write(graft.folder.file("more.csv"), csv);
  const Result result =
      graft("train --backbone " + first + "/model.pt --train " + graft.folder.file("more.csv") + " --out " + graft.folder.file("run2"));
  INFO(result.err);
  REQUIRE(result.code == 0);
  const std::string model = graft.folder.file("run2/model.pt");
  const Json answers = Json::parse(graft("predict " + model + " 'x y z x' 'a b c' --json").out).at("predictions");
  CHECK(answers.at(0).at("label") == "New");
  CHECK(answers.at(1).at("label") == "A");
  test::write(graft.folder.file("other.csv"), "words,kind\na b,A\nc,B\n");
  CHECK(graft("train --backbone " + first + "/model.pt --text words --label kind --train " + graft.folder.file("other.csv") + " --out " +
              graft.folder.file("run3"))
            .err.find("graft-C108") != std::string::npos);
}

TEST_CASE("graft train --folds: measures every part once and says how much the folds differ", "[cli]") {
  const Tasks t;
  const Json report = t.train(t.graft.messages("t.csv", 90, 0), "--folds 3");
  CHECK(report.at("folds").size() == 3);
  CHECK(report.at("samples") == 90);
  CHECK(report.at("metrics").at("accuracy") > 0.8);
  CHECK(report.at("deviation").at("accuracy") < 0.2);
  CHECK_FALSE(std::filesystem::exists(t.model()));
}

TEST_CASE("graft train --step-budget: the parts of a batch are told, and stand in the report", "[cli]") {
  const Program graft;
  const std::string command = "train --backbone " + graft.imported() + " --train " + graft.messages("t.csv", 90, 0) +
                              " --preset full --epochs 1 --batch 32 --json --out " + graft.folder.file("run") + " --force --step-budget ";
  const Json whole = Json::parse(graft(command + "1GB").out).at("step_memory");
  CHECK(whole.at("records") == 32);
  const Result result = graft(command + std::to_string(whole.at("bytes").get<std::int64_t>() * 6 / 10) + "B");
  const Json parts = Json::parse(result.out).at("step_memory");
  CHECK(parts.at("parts") > 1);
  CHECK(result.err.find("batches of 32 records in " + parts.at("parts").dump() + " parts of at most " + parts.at("records").dump()) !=
        std::string::npos);
  CHECK(result.err.find("CPUAllocator") == std::string::npos);  // LibTorch's, about what was measured
}

TEST_CASE("graft train --check says that everything fits and writes nothing", "[cli]") {
  const Program graft;
  const Result result = graft("train --backbone " + graft.imported() + " --train " + graft.messages("t.csv", 30, 0) + " --check --out " +
                              graft.folder.file("r"));
  CHECK(result.code == 0);
  CHECK(result.out.find("everything fits") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(graft.folder.file("r")));
}

TEST_CASE("graft train: the classifier that a network for texts was published with is left out, another last layer is not", "[cli]") {
  const Tasks t;
  const Program& graft = t.graft;
  const auto run = [&](const std::string& outputs, std::int64_t classes) {
    const std::string code =
        "def forward(self, input_ids):\n    h = torch.tanh(torch.linear(torch.embedding(self.e, input_ids).mean(1), self.w1))\n"
        "    y = torch.linear(h, self.w2, self.b2)\n    return " +
        outputs + "\n";
    at::manual_seed(0);
    Backbone(
        test::network_of(
            code, {{"e", at::randn({200, 8})}, {"w1", at::randn({12, 8})}, {"w2", at::randn({classes, 12})}, {"b2", at::zeros({classes})}}))
        .save(graft.folder.file("net.pt"));
    const Result result =
        graft("train --backbone " + graft.folder.file("net.pt") + " --tokenizer " + test::golden_path("tiny_bert/vocab.txt") + " --train " +
              graft.messages("texts.csv", 60, 0) + " --force --out " + graft.folder.file("run"));
    INFO(result.err);
    REQUIRE(result.code == 0);
    CHECK((Model::load(t.model(), {.device = "cpu"}).head().parameters()["weight"].size(1) == 12) ==
          (result.err.find("own classifier is left out") != std::string::npos));
    return result.err.find("own classifier is left out") != std::string::npos;
  };
  CHECK(run("y", 3));
  CHECK(run("(y,)", 3));
  CHECK_FALSE(run("y", 16));
  CHECK_FALSE(run("(y, y)", 3));
}
