// graft train --folds: what holds for each fold, what is refused, and what an interrupt leaves.
#include "process.h"

using namespace graft;
using test::lines;
using test::Process;
using test::Program;
using test::Result;

namespace {

struct Folds {
  Program graft;
  std::string out = graft.folder.file("run");
  std::string data = graft.messages("t.csv", 60, 0);

  std::string command(const std::string& flags) const {
    return "train --backbone " + graft.imported() + " --train " + data + " --folds 2 --out " + out + " " + flags;
  }
  Json report(const std::string& flags) const {
    const Result result = graft(command(flags));
    INFO(result.err);
    REQUIRE(result.code == 0);
    return parse_json(read_file(out + "/report.json"), "report");
  }
  std::size_t epochs(int fold) const { return lines(read_file(out + "/fold-" + std::to_string(fold) + "/history.jsonl")); }
};

const std::string steps = "--preset full --batch 8 ";

}  // namespace

TEST_CASE("graft train --folds: folds leave no checkpoints, and each its own history", "[cli]") {
  const Folds folds;
  CHECK(folds.report(steps + "--epochs 2 --checkpoint-every 1").at("folds").size() == 2);
  CHECK_FALSE(std::filesystem::exists(folds.out + "/checkpoints"));
  CHECK(folds.epochs(1) == 2);
  CHECK(folds.epochs(2) == 2);
}

TEST_CASE("graft train --folds: what ends a run ends each fold, and logs are kept apart", "[cli]") {
  const Folds folds;
  const std::string board = folds.graft.folder.file("board");
  folds.report(steps + "--epochs 4 --target-metric accuracy=0 --tensorboard " + board);
  CHECK(folds.epochs(1) == 1);
  CHECK(folds.epochs(2) == 1);
  for (const char* fold : {"/fold-1", "/fold-2"}) CHECK(std::filesystem::exists(board + fold));
}

TEST_CASE("graft train --folds: the sampler draws from the records of each fold", "[cli]") {
  const Folds folds;
  const double plain = folds.report(steps + "--epochs 1").at("metrics").at("loss");
  CHECK(folds.report(steps + "--epochs 1 --force --sampler balanced").at("metrics").at("loss") != plain);
}

TEST_CASE("graft train --folds --check looks at everything and writes nothing", "[cli]") {
  const Folds folds;
  const Result result = folds.graft(folds.command("--check"));
  INFO(result.err);
  CHECK(result.code == 0);
  CHECK(result.out == "everything fits; leave --check out to cross-validate\n");
  CHECK_FALSE(std::filesystem::exists(folds.out));
}

TEST_CASE("graft train --folds: mistakes are told before a folder is made", "[cli][error]") {
  const Folds folds;
  const Result result = folds.graft(folds.command("--resume auto --preview-schedule --profile --test " + folds.data));
  CHECK(result.code == 2);
  for (const char* flag : {"--resume auto", "--preview-schedule", "--profile", "and 1 more"})
    CHECK(result.err.find(flag) != std::string::npos);
  CHECK(folds.graft(folds.command("--folds 61")).code == 2);
  CHECK_FALSE(std::filesystem::exists(folds.out));
}

TEST_CASE("graft train --folds: the next step that it tells works", "[cli]") {
  const Folds folds;
  const Result result = folds.graft(folds.command("--quiet"));
  CHECK(result.out.find("without --folds, with another --out or with --force") != std::string::npos);
  CHECK(folds.graft("train --backbone " + folds.graft.imported() + " --train " + folds.data + " --quiet --force --out " + folds.out).code ==
        0);
}

TEST_CASE("graft train --folds: an interrupt reports the folds that were measured, and that there were to be more", "[cli]") {
  const Folds folds;
  const Program& graft = folds.graft;
  const std::string second = folds.out + "/fold-2/history.jsonl";
  Process process(graft, {"train", "--backbone", graft.imported(), "--train", folds.data, "--folds", "3", "--preset", "full", "--epochs",
                          "60", "--out", folds.out});
  process.wait_until([&] { return std::filesystem::exists(second) && std::filesystem::file_size(second) > 0; });
  process.kill(SIGINT);
  const Result result = process.result();
  INFO(result.out << result.err);
  CHECK(result.code == 130);
  CHECK(result.err.find("interrupted; 1 of 3 folds were measured") != std::string::npos);
  CHECK(result.out.find("Cross-validation, 1 of 3 folds") != std::string::npos);
  CHECK(result.out.find("nan") == std::string::npos);
  const Json report = parse_json(read_file(folds.out + "/report.json"), "report");
  CHECK(report.at("interrupted") == true);
  CHECK(report.at("folds").size() == 1);
  CHECK(report.at("folds_planned") == 3);
  CHECK(report.at("deviation").empty());
}
