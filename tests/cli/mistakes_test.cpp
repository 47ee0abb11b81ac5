// Every mistake that a person makes with files, columns, flags and policies: the code, the words that help, exit code 2, and nothing
// written.
#include "program.h"

using namespace graft;
using test::Program;
using test::Result;

namespace {

/// A run of the program that must fail as a mistake of the caller's, in the form of every error.
class Mistake {
 public:
  Mistake(const Program& graft, const std::string& arguments) : result_(graft(arguments)), json_(graft(arguments + " --json")) {
    INFO(arguments << "\n" << result_.err);
    CHECK(result_.code == 2);
    CHECK(json_.code == 2);
    CHECK(result_.out.empty());
    CHECK(result_.err.find("Traceback") == std::string::npos);
    CHECK(result_.err.find("\n    ") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(graft.folder.file("r")));
  }
  /// The first error has this code; all that is said holds these words.
  Mistake& says(const std::string& code, const std::vector<std::string>& words) {
    INFO(result_.err);
    CHECK(result_.err.find("error " + code + ": ") != std::string::npos);
    bool listed = false;
    const Json told = Json::parse(json_.out);
    for (const Json& error : told.at("errors")) listed |= error.at("code") == code;
    CHECK(listed);
    for (const std::string& word : words) {
      INFO(word);
      CHECK(result_.err.find(word) != std::string::npos);
    }
    return *this;
  }

 private:
  Result result_, json_;
};

struct Table {
  Program graft;
  std::string data = graft.messages("train.csv", 30, 0);

  std::string file(const std::string& name, const std::string& content) const {
    test::write(graft.folder.file(name), content);
    return graft.folder.file(name);
  }
  std::string train_on(const std::string& file, const std::string& more = "") const {
    return "train --backbone " + graft.imported() + " --train " + file + " --out " + graft.folder.file("r") + " " + more;
  }
  std::string with_backbone(const std::string& file) const {
    return "train --backbone " + file + " --train " + data + " --out " + graft.folder.file("r");
  }
};

}  // namespace

TEST_CASE("graft: a file that is no TorchScript is told for what it is", "[cli][error]") {
  const Table t;
  const std::string whole = read_file(t.graft.imported());
  Mistake(t.graft, t.with_backbone(t.graft.folder.file("tiny.pth"))).says("graft-D002", {"there is no such file", "\"tiny.pt\""});
  Mistake(t.graft, t.with_backbone(t.graft.folder.path())).says("graft-D001", {"folder"});
  Mistake(t.graft, t.with_backbone(t.file("noise.pt", std::string(4000, 'x') + "\x01\x02")))
      .says("graft-K003", {"TorchScript", "noise.pt"});
  Mistake(t.graft, t.with_backbone(t.file("cut.pt", whole.substr(0, whole.size() / 2)))).says("graft-K003", {"cut short", "again"});
  Mistake(t.graft, t.with_backbone(t.file("empty.pt", ""))).says("graft-K003", {"empty.pt"});
}

TEST_CASE("graft train: a data file's mistakes are told with their line", "[cli][error]") {
  const Table t;
  const auto broken = [&](const std::string& content) { return Mistake(t.graft, t.train_on(t.file("bad.csv", content))); };
  broken("message,queue\na b,A\n\"c d,B\ne f,A\n").says("graft-D006", {"bad.csv:3", "never closed"});
  broken("message,queue\na b,A\nc \"d\" e,B\n").says("graft-D006", {"bad.csv:3"});
  broken(std::string("message,queue\na b,A\nc\0d,B\n", 27)).says("graft-D007", {"bad.csv:3", "NUL"});
  broken("message,queue\na b,A\nc \xFF d,B\n").says("graft-D008", {"bad.csv:3", "iconv"});
  broken("message,queue\na b,A\nc d,B,C\ne f\n").says("graft-D009", {"bad.csv:3", "bad.csv:4", "2 fields"});
  // A stray quote swallows the rows up to the next one: the line where it opened is the one to mend.
  broken("message,queue\n\"a b,A\nc d,B\n\"e f\",C\n").says("graft-D006", {"bad.csv:2", "in line 4"});
  broken("message,queue\n").says("graft-D010", {"no row"});
  broken("").says("graft-D010", {"no row"});
  broken("message,queue\na b,A\nc d,\ne f,B\n").says("graft-D005", {"bad.csv:3", "empty"});
  broken("message,queue\na b,A\nc d,A\n").says("graft-D101", {"two classes", "\"A\"", "--label"});
  Mistake(t.graft, t.train_on(t.data, "--text mesage")).says("graft-D012", {"\"mesage\"", "\"message\"", "\"queue\""});
  Mistake(t.graft, t.train_on(t.file("odd.csv", "first,second\na b,A\nc d,B\n"))).says("graft-D021", {"\"first\", \"second\"", "--text"});
  Mistake(t.graft, t.train_on(t.file("data.xlsx", "x"))).says("graft-D020", {".jsonl"});
  Mistake(t.graft, t.train_on(t.file("bad.jsonl", "{\"message\": \"a b\", \"queue\": \"A\"}\n{\"message\": \n")))
      .says("graft-D003", {"bad.jsonl:2"});
}

TEST_CASE("graft train: labels of test data that training lacks are told with near ones", "[cli][error]") {
  const Table t;
  const std::string test = t.file("test.csv", "message,queue\na b,A\nc d,a\n");
  Mistake(t.graft, t.train_on(t.data, "--test " + test)).says("graft-D017", {"test.csv:3", "\"a\"", "\"A\""});
}

TEST_CASE("graft train: outputs that cannot be written are told before the work", "[cli][error]") {
  const Table t;
  const std::string file = t.file("plain", "a file");
  const auto out = [&](const std::string& path) {
    return "train --backbone " + t.graft.imported() + " --train " + t.data + " --out " + path;
  };
  Mistake(t.graft, out(file)).says("graft-C105", {"a file stands"});
  Mistake(t.graft, out(file + "/run")).says("graft-C107", {"cannot be written"});
  Mistake(t.graft, "import " + test::golden_path("tiny_bert") + " -o " + t.graft.folder.file("no/such/x.pt"))
      .says("graft-C107", {"cannot be written", "no folder"});
}

TEST_CASE("graft train: flags that contradict, a config with unknown keys, and policies that mean nothing", "[cli][error]") {
  const Table t;
  Mistake(t.graft, t.train_on(t.data, "--preset probe --freeze none")).says("graft-C104", {"--preset full"});
  Mistake(t.graft, t.train_on(t.data, "--preset prob")).says("graft-C020", {"\"probe\""});
  Mistake(t.graft, t.train_on(t.data, "--task clasify")).says("graft-C104", {"classify"});
  Mistake(t.graft, t.train_on(t.data, "--folds 3 --valid " + t.data)).says("graft-C104", {"--folds"});
  Mistake(t.graft, t.train_on(t.data, "--epoch 3")).says("graft-C100", {"Did you mean \"--epochs\""});
  Mistake(t.graft, "trian --backbone x").says("graft-C100", {"Did you mean \"train\""});
  Mistake(t.graft, "predict").says("graft-C100", {"graft predict --help"});
  Mistake(t.graft, t.train_on(t.data, "--preset full --freeze '*'")).says("graft-C021", {"whole backbone", "graft inspect"});
  Mistake(t.graft, t.train_on(t.data, "--preset full --freeze 'encodr.*'")).says("graft-C008", {"\"encodr.*\"", "\"encoder"});
  Mistake(t.graft, t.train_on(t.data, "--preset full --freeze up_to=layer.9")).says("graft-C008", {"layer group"});
  Mistake(t.graft, "train " + t.file("c.json", R"({"bakcbone": "x", "epochs": "three"})"))
      .says("graft-C103", {"\"backbone\""})
      .says("graft-C102", {"\"epochs\""});
}

TEST_CASE("graft train: mistakes in files that do not depend on each other are told at once", "[cli][error]") {
  const Table t;
  const std::string command = "train --backbone " + t.graft.folder.file("absent.pt") + " --train " +
                              t.file("bad.csv", "message,queue\na,A,B\n") + " --device tpu --out " + t.graft.folder.file("r");
  Mistake(t.graft, command).says("graft-D002", {"absent.pt"}).says("graft-D009", {"bad.csv:2"}).says("graft-C003", {"tpu"});
}

TEST_CASE("graft train warns of leaks, rare classes, cut and torn texts, with counts and examples, and goes on", "[cli]") {
  const Table t;
  std::string csv = read_file(t.data);
  csv += "a b c a,Rare\na b c a,A\n" + std::string("p q r p,C\n");
  std::string longer;
  for (int i = 0; i < 40; ++i) longer += "a b c ";
  csv += longer + ",A\n";
  const std::string train = t.file("mixed.csv", csv), test = t.file("test.csv", "message,queue\np q r p,C\na b a b a b,A\n");
  const Result result = t.graft(t.train_on(train, "--test " + test + " --split 0 --max-length 32"));
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.err.find("graft-W001: [Data] 1 of 2 test texts stand in the training data too: test.csv:2 and mixed.csv:34") !=
        std::string::npos);
  CHECK(result.err.find("graft-W002: [Data] 1 of 4 classes have fewer than 5 training records: \"Rare\" has 1") != std::string::npos);
  CHECK(result.err.find("graft-W003: [Data] 1 of 34 training texts are cut; the longest loses 90 tokens.") != std::string::npos);
  CHECK(result.err.find("graft-W004: [Data] 1 training texts stand there again with another answer: mixed.csv:33 and mixed.csv:32") !=
        std::string::npos);
  const Json report = parse_json(read_file(t.graft.folder.file("r/report.json")), "report");
  CHECK(report.at("warnings").size() == 4);
}
