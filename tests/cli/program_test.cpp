// The program as a person or a script meets it: exit codes, the two lines of an error, the JSON of a command.
#include "program.h"

using namespace graft;
using test::lines;
using test::Program;
using test::Result;

TEST_CASE("graft: import, inspect, train, evaluate and predict, end to end", "[cli]") {
  const Program graft;
  const Json inspected = Json::parse(graft("inspect " + graft.imported() + " --freeze up_to=encoder.layer.0 --json").out);
  CHECK(inspected.at("kind") == "torchscript");
  CHECK(inspected.at("parameters") == 24384);
  CHECK(inspected.at("trainable") < 24384);
  CHECK(inspected.at("groups").size() == 3);
  CHECK(inspected.at("methods").at(0).at("arguments").at(0).at("name") == "input_ids");

  const std::string run = graft.trained();
  for (const char* name : {"model.pt", "config.json", "history.jsonl", "report.json", "log.txt"})
    CHECK(std::filesystem::exists(run + "/" + name));
  const Json report = parse_json(read_file(run + "/report.json"), "report");
  CHECK(report.at("metrics_on") == "test");
  CHECK(report.at("metrics").at("accuracy") > 0.85);
  for (const char* phase : {"load", "tokenize", "prefix", "train", "save", "evaluate"}) CHECK(report.at("phases").contains(phase));
  CHECK(report.at("peak_memory_mb") > 10);
  // What auto meant on this processor.
  CHECK((report.at("precision") == "fp32" || report.at("precision") == "bf16"));
  // The report says what auto came to; as a setting, bf16 would ask for steps in bf16 too.
  CHECK(parse_json(read_file(run + "/config.json"), "config").at("precision") == "auto");
  CHECK((report.at("precision") == "fp32" || report.at("precision") == "bf16"));
  CHECK(report.at("samples_per_second") > 0);
  const std::string history = read_file(run + "/history.jsonl");
  CHECK(Json::parse(history.substr(0, history.find('\n'))).contains("iterations"));

  const Json evaluated = Json::parse(graft("evaluate " + run + "/model.pt --data " + graft.folder.file("test.csv") + " --json").out);
  CHECK(evaluated.at("metrics").at("accuracy") == report.at("metrics").at("accuracy"));
  CHECK(evaluated.at("samples") == 40);
  const std::string again =
      "evaluate " + run + "/model.pt --data " + graft.folder.file("test.csv") + " --json --store " + graft.folder.file("kept");
  CHECK(Json::parse(graft(again).out).at("metrics").at("accuracy") == report.at("metrics").at("accuracy"));
  CHECK(Json::parse(graft(again).out).at("metrics").at("accuracy") == report.at("metrics").at("accuracy"));
  CHECK_FALSE(std::filesystem::is_empty(graft.folder.file("kept")));

  const Json predicted = Json::parse(graft("predict " + run + "/model.pt \"a b c a b c\" \"p q r\" --json").out);
  REQUIRE(predicted.at("predictions").size() == 2);
  CHECK(predicted.at("predictions").at(0).at("label") == "A");
  CHECK(predicted.at("predictions").at(1).at("label") == "C");
  const Result streamed = graft("predict " + run + "/model.pt -", "a b c a b\n\np q r p\n");
  CHECK(streamed.code == 0);
  CHECK(lines(streamed.out) == 2);
}

TEST_CASE("graft train: a config file gives what flags do not, flags win, and the resolved one is written", "[cli]") {
  const Program graft;
  const std::string config = graft.folder.file("config.json");
  test::write(config, Json{{"backbone", graft.imported()},
                           {"train", graft.messages("t.csv", 40, 0)},
                           {"seed", 5},
                           {"out", graft.folder.file("from_config")},
                           {"preset", "full"},
                           {"epochs", 1}}
                          .dump());
  REQUIRE(graft("train " + config + " --seed 6 --quiet").code == 0);
  const Json resolved = parse_json(read_file(graft.folder.file("from_config/config.json")), "config");
  CHECK(resolved.at("seed") == 6);
  CHECK(resolved.at("preset") == "full");
  CHECK(resolved.at("text") == "message");
  SECTION("an unknown key is told with near names") {
    test::write(config, R"({"bakcbone": "x"})");
    const Result result = graft("train " + config);
    CHECK(result.code == 2);
    CHECK(result.err.find("graft-C103") != std::string::npos);
    CHECK(result.err.find("\"backbone\"") != std::string::npos);
  }
}

TEST_CASE("graft: mistakes are two lines on stderr and exit code 2; with --json one object on stdout", "[cli][error]") {
  const Program graft;
  const auto mistake = [&](const std::string& arguments, const std::string& code) {
    const Result plain = graft(arguments);
    INFO(arguments << "\n" << plain.err);
    CHECK(plain.code == 2);
    CHECK(plain.out.empty());
    CHECK(plain.err.find("error " + code + ": ") == 0);
    CHECK(plain.err.find("\n    ") != std::string::npos);
    CHECK(plain.err.find("Traceback") == std::string::npos);
    const Result json = graft(arguments + " --json");
    CHECK(json.code == 2);
    CHECK(Json::parse(json.out).at("errors").at(0).at("code") == code);
  };
  mistake("inspect " + graft.folder.file("absent.pt"), "graft-D002");
  mistake("train --no-such-flag", "graft-C100");
  mistake("predict", "graft-C100");
  mistake("train", "graft-C104");
  mistake("evaluate " + test::golden_path("text_script.pt") + " --data x.csv", "graft-K010");
  mistake("inspect " + graft.imported() + " --freeze up_to=layer", "graft-C008");
  const std::string data = graft.messages("t.csv", 30, 0);
  const std::string train = "train --backbone " + graft.imported() + " --train " + data + " --out " + graft.folder.file("r");
  mistake(train + " --text mesage", "graft-D012");
  mistake(train + " --preset prob", "graft-C020");
  mistake(train + " --preset probe --freeze none", "graft-C104");
  mistake(train + " --device gpu", "graft-C003");
  CHECK_FALSE(std::filesystem::exists(graft.folder.file("r")));  // nothing is left of a run that never began
}

TEST_CASE("graft train: an existing run is not overwritten without --force", "[cli][error]") {
  const Program graft;
  const std::string run = graft.trained();
  const std::string again = "train --backbone " + graft.imported() + " --train " + graft.folder.file("train.csv") + " --out " + run;
  const Result refused = graft(again);
  CHECK(refused.code == 2);
  CHECK(refused.err.find("graft-C105") != std::string::npos);
  CHECK(graft(again + " --force --quiet").code == 0);
}

TEST_CASE("graft: several mistakes are told at once, at most three and how many more", "[cli][error]") {
  const Program graft;
  test::write(graft.folder.file("bad.csv"), "message,queue\na b,A\nc,B\nx,Z\ny,Z\nz,Z\nw,Y\n");
  const Result result = graft("train --backbone " + graft.imported() + " --train " + graft.messages("t.csv", 30, 0) + " --test " +
                              graft.folder.file("bad.csv") + " --out " + graft.folder.file("r"));
  CHECK(result.code == 2);
  CHECK(result.err.find("bad.csv:4") != std::string::npos);
  CHECK(result.err.find("and 1 more") != std::string::npos);
}

TEST_CASE("graft: help shows an example for every command", "[cli]") {
  const Program graft;
  for (const std::string command : {"import", "inspect", "train", "evaluate", "predict"}) {
    const Result help = graft(command + " --help");
    CHECK(help.code == 0);
    CHECK(help.out.find("Example") != std::string::npos);
    CHECK(help.out.find("graft " + command) != std::string::npos);
  }
}
