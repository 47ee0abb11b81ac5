// What a run folder holds after a run that was refused, that failed, or that is begun again.
#include "core/file.h"
#include "program.h"

using namespace graft;
using test::Program;
using test::Result;

namespace {

struct Runs {
  Program graft;
  std::string folder = graft.folder.file("run");
  std::string data = graft.messages("train.csv", 60, 0);

  Result operator()(const std::string& flags) const {
    return graft("train --backbone " + graft.imported() + " --train " + data + " --preset full --epochs 1 --out " + folder + " " + flags);
  }
  std::string file(const std::string& name) const { return folder + "/" + name; }
  bool has(const std::string& name) const { return std::filesystem::exists(file(name)); }
};

}  // namespace

TEST_CASE("graft train: what is refused before the first step leaves no folder, and --check tells the same", "[cli][error]") {
  const Runs run;
  const auto [flags, code] = GENERATE(table<std::string, std::string>({{"--lr 0", "graft-C018"},
                                                                       {"--lr inf", "graft-C018"},
                                                                       {"--layer-decay 2", "graft-C018"},
                                                                       {"--limit-steps -3", "graft-C018"},
                                                                       {"--keep 0", "graft-C018"},
                                                                       {"--precision fp16", "graft-C033"},
                                                                       {"--split 0 --schedule plateau", "graft-C037"},
                                                                       {"--split 0 --patience 2", "graft-C037"},
                                                                       {"--l2-sp -1", "graft-C104"},
                                                                       {"--threads -1", "graft-C104"},
                                                                       {"--checkpoint-every 0.5", "graft-C104"},
                                                                       {"--checkpoint-every 0", "graft-C104"},
                                                                       {"--target-metric accuracy=93", "graft-C104"}}));
  INFO(flags);
  for (const char* check : {"", " --check"}) {
    const Result result = run(flags + check);
    INFO(result.err);
    CHECK(result.code == 2);
    CHECK(result.err.find("error " + code) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(run.folder));
  }
}

TEST_CASE("graft train --check: options, metrics of two flags and a folder that is there are told together", "[cli][error]") {
  const Runs run;
  const Result metrics = run("--check --best-metric acc --target-metric accuraci=0.9");
  CHECK(metrics.err.find("\"acc\" is not measured") != std::string::npos);
  CHECK(metrics.err.find("\"accuraci\" is not measured") != std::string::npos);
  std::filesystem::create_directories(run.file("checkpoints"));
  const Result both = run("--check --lr -1");
  CHECK(both.err.find("graft-C105") != std::string::npos);
  CHECK(both.err.find("graft-C018") != std::string::npos);
}

TEST_CASE("graft train --force: a run that is refused leaves the one before as it was", "[cli][error]") {
  const Runs run;
  REQUIRE(run("").code == 0);
  const std::string config = read_file(run.file("config.json")), report = read_file(run.file("report.json"));
  CHECK(run("--force --lr 0").code == 2);
  CHECK(read_file(run.file("config.json")) == config);
  CHECK(read_file(run.file("report.json")) == report);
}

TEST_CASE("graft train --resume auto: a run that has ended is told, and another one under its name is refused", "[cli][resume]") {
  const Runs run;
  REQUIRE(run("").code == 0);
  const Result again = run("--resume auto");
  CHECK(again.code == 0);
  CHECK(again.out.find("has ended") != std::string::npos);
  CHECK(again.out.find("accuracy") != std::string::npos);
  CHECK(Json::parse(run("--resume auto --json").out) == Json::parse(read_file(run.file("report.json"))));
  const Result other = run("--resume auto --optimizer sgd --seed 7");
  CHECK(other.code == 2);
  CHECK(other.err.find("graft-K025") != std::string::npos);
  CHECK(other.err.find("--optimizer") != std::string::npos);
  CHECK(other.err.find("--seed") != std::string::npos);
  CHECK(run("--resume auto --threads 1").code == 0);
}

TEST_CASE("graft train: why a run failed stands in its log, and the next one may take the folder", "[cli][error]") {
  const Runs run;
  const std::string exploding = "--lr 1e30 --clip none --optimizer sgd --warmup 0 --batch 8 --checkpoint-every ";
  const Result failed = run(exploding + "off");
  INFO(failed.err);
  REQUIRE(failed.code != 0);
  CHECK(read_file(run.file("log.txt")).find("[Trainer]") != std::string::npos);
  CHECK_FALSE(run.has("model.pt"));
  CHECK(run("").code == 0);
}

TEST_CASE("graft train: what a solved head does not read is told", "[cli]") {
  const Program graft;
  const Result result = graft("train --backbone " + graft.imported() + " --train " + graft.messages("train.csv", 60, 0) + " --out " +
                              graft.folder.file("run") + " --optimizer lion --best-metric nonsense");
  INFO(result.err);
  CHECK(result.code == 0);
  CHECK(result.err.find("graft-W030") != std::string::npos);
  CHECK(result.err.find("\"optimizer\", \"best_metric\"") != std::string::npos);
}
