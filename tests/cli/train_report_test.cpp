// What graft train tells of a run's end, and what stands of it in report.json.
#include "process.h"

using namespace graft;
using test::lines;
using test::Process;
using test::Program;
using test::Result;

namespace {

struct Run {
  Program graft;
  std::string out = graft.folder.file("run");
  std::string command = "train --backbone " + graft.imported() + " --train " + graft.messages("t.csv", 60, 0) + " --out " + out + " ";

  Result operator()(const std::string& flags) const {
    const Result result = graft(command + flags);
    INFO(result.err);
    REQUIRE(result.code == 0);
    return result;
  }
  Json report() const { return parse_json(read_file(out + "/report.json"), "report"); }
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("graft train: why a run ended and which epoch it kept are told and reported", "[cli]") {
  const Run run;
  const Result result = run("--preset full --epochs 3 --target-metric accuracy=0");
  INFO(result.out);
  CHECK(contains(result.out, " after 1 epoch; the weights are those of epoch 1\n"));
  const Json report = run.report();
  CHECK(contains(report.at("ended"), "accuracy"));
  CHECK(contains(result.out, "ended: " + report.at("ended").get<std::string>()));
  CHECK(report.at("best_epoch") == 1);
  CHECK_FALSE(report.contains("resumed_from_step"));
}

TEST_CASE("graft train: a probe says what its penalty was chosen on", "[cli]") {
  const Run run;
  CHECK(contains(run("--preset probe").out, " on validation data\n"));
  const Result parts = run("--preset probe --force --test " + run.graft.messages("test.csv", 30, 1));
  INFO(parts.out);
  CHECK(contains(parts.out, " on parts of the training data held out in turn\n"));
  CHECK_FALSE(contains(parts.out, "on validation data"));
  CHECK(run.report().at("ended") == "solved");
}

TEST_CASE("graft train: an epoch that an interrupt cut short does not count as finished, and a resumed run says where it began", "[cli]") {
  const Run run;
  const std::string data = run.graft.messages("many.csv", 4000, 0), history = run.out + "/history.jsonl";
  const std::vector<std::string> arguments{
      "train",   "--backbone", run.graft.imported(), "--train", data,      "--preset", "full",  "--epochs", "2",
      "--batch", "8",          "--resume",           "auto",    "--split", "0.02",     "--out", run.out};
  Process process(run.graft, arguments);
  process.wait_until([&] { return std::filesystem::exists(history) && std::filesystem::file_size(history) > 0; });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  process.kill(SIGINT);
  const Result result = process.result();
  INFO(result.out << result.err);
  REQUIRE(result.code == 130);
  CHECK(contains(result.out, "best so far: epoch 1, best of 1 finished: "));
  CHECK(run.report().at("epochs") == 1);
  CHECK(run.report().at("ended") == "stopped");
  const std::string told = read_file(history);
  REQUIRE(lines(told) == 2);
  CHECK_FALSE(contains(told.substr(0, told.find('\n')), "finished"));
  CHECK(contains(told.substr(told.find('\n')), "\"finished\":false"));
  std::string again;
  for (const std::string& argument : arguments) again += argument + " ";
  const Result resumed = run.graft(again);
  REQUIRE(resumed.code == 0);
  CHECK(run.report().at("resumed_from_step") > 400);
  CHECK(contains(resumed.out, "went on from step "));
  CHECK_FALSE(contains(read_file(history), "finished"));
}

TEST_CASE("graft train --task says once why it learns what it learns", "[cli]") {
  const Run run;
  const Result result = run("--task classify");
  CHECK(contains(result.err, "\"queue\", as --task says so\n"));
}
