// Runs that are killed, interrupted or out of disk, and go on by the same command with --resume auto: the run as if nothing had been.
#include <signal.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "graft/core/rng.h"
#include "graft/train/checkpoint.h"
#include "graph/network.h"
#include "process.h"

using namespace graft;
using test::Clock;
using test::Process;
using test::Program;
using test::Result;
using test::seconds_since;

namespace {

namespace fs = std::filesystem;

/// A run over the whole course of the preset gradual: 12 steps an epoch, of which the first takes the head alone.
std::vector<std::string> command(const Program& graft, const std::string& out, const std::string& every, const std::string& epochs) {
  return {"train",
          "--backbone",
          graft.imported(),
          "--train",
          graft.messages("t.csv", 96, 0),
          "--valid",
          graft.messages("v.csv", 40, 1),
          "--preset",
          "gradual",
          "--epochs",
          epochs,
          "--batch",
          "4",
          "--accumulate",
          "2",
          "--ema",
          "0.9",
          "--lr",
          "0.01",
          "--schedule",
          "plateau",
          "--dropout",
          "0.1",
          "--checkpoint-every",
          every,
          "--resume",
          "auto",
          "--threads",
          "1",
          "--quiet",
          "--out",
          graft.folder.file(out)};
}

std::string parts(const std::string& folder, const std::string& but) {
  std::string found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename();
    if (name.find(".part") != std::string::npos && !name.ends_with("." + but)) found += name + " ";
  }
  return found;
}

void check_same_run(const std::string& resumed, const std::string& unbroken) {
  const auto tensors = [](const std::string& folder) {
    const graph::Network whole = graph::Network::load(folder + "/model.pt");
    auto all = whole.parameters();
    for (const auto& buffer : whole.buffers()) all.push_back(buffer);
    return all;
  };
  const auto a = tensors(resumed), b = tensors(unbroken);
  REQUIRE(a.size() == b.size());
  CHECK(a.size() > 30);
  std::size_t different = 0;
  for (std::size_t i = 0; i < a.size(); ++i) different += a[i].first == b[i].first && at::equal(a[i].second, b[i].second) ? 0 : 1;
  CHECK(different == 0);
  const auto history = [](const std::string& folder) {
    std::ifstream lines(folder + "/history.jsonl");
    std::string all;
    for (std::string line; std::getline(lines, line);) {
      Json json = Json::parse(line);
      json.erase("seconds");
      all += json.dump() + "\n";
    }
    return all;
  };
  CHECK(history(resumed) == history(unbroken));
}

std::int64_t newest_step(const std::string& folder) {
  const auto files = checkpoints_in(folder);
  return files.empty() ? 0 : files.back().first;
}

}  // namespace

TEST_CASE("graft train: killed fifty times at any moment, each run ends as the one that was not", "[cli][resume]") {
  const Program graft;
  const auto seed = static_cast<std::uint64_t>(Catch::rngSeed());
  Rng rng(seed);
  const auto start = Clock::now();
  REQUIRE(Process(graft, command(graft, "unbroken", "3", "8")).result().code == 0);
  const double life = seconds_since(start);
  int kills = 0, runs = 0, in_writing = 0;
  for (; kills < 50; ++runs) {
    const std::string name = "run" + std::to_string(runs), run = graft.folder.file(name), folder = run + "/checkpoints";
    const std::vector<std::string> arguments = command(graft, name, "3", "8");
    for (bool ended = false; !ended;) {
      const std::int64_t before = newest_step(folder);
      const auto kind = kills < 50 ? rng.below(3) : 3;  // the last run is let go
      const double wait = life * 0.6 * rng.uniform();
      const std::int64_t step = before + static_cast<std::int64_t>(3 + 3 * rng.below(4));
      Process process(graft, arguments);
      const auto begin = Clock::now();
      process.wait_until([&] {
        if (kind == 0) return seconds_since(begin) >= wait;
        if (kind == 1) return newest_step(folder) >= step;
        return kind == 2 && newest_step(folder) > before && !parts(folder, "").empty();  // in the middle of writing
      });
      if (kind < 3) process.kill(SIGKILL);
      INFO("seed " << seed << ", run " << runs << ", kill " << kills << " of kind " << kind << ", checkpoint " << before << " before, "
                   << newest_step(folder) << " after");
      if (process.was_killed()) {
        ++kills;
        in_writing += parts(folder, "").empty() ? 0 : 1;
        for (const auto& [at, path] : checkpoints_in(folder)) CHECK_NOTHROW(Checkpoint::load(path));
        if (newest_step(folder) > before) CHECK(parts(folder, std::to_string(process.id())).empty());
        continue;
      }
      ended = true;
      const Result result = process.result();
      INFO(result.err);
      REQUIRE(result.code == 0);
      check_same_run(run, graft.folder.file("unbroken"));
      CHECK_FALSE(fs::exists(folder));
    }
  }
  WARN(kills << " kills in " << runs << " runs, " << in_writing << " of them while a file was written, seed " << seed << ", "
             << seconds_since(start) << " s");
}

TEST_CASE("graft train: SIGINT and SIGTERM write one more checkpoint, and the same command goes on", "[cli][resume]") {
  const Program graft;
  const auto [signal, code] = GENERATE(std::pair{SIGINT, 130}, std::pair{SIGTERM, 143});
  REQUIRE(Process(graft, command(graft, "unbroken", "1000", "8")).result().code == 0);
  const std::string run = graft.folder.file("run"), folder = run + "/checkpoints";
  const std::vector<std::string> arguments = command(graft, "run", "1000", "8");
  std::int64_t step = 0;
  for (int i = 0; i < 2; ++i) {
    const auto lines_before = fs::exists(run + "/history.jsonl") ? test::lines(read_file(run + "/history.jsonl")) : 0;
    Process process(graft, arguments);
    // A run that goes on keeps the line of the epoch at hand until it comes to its end again.
    process.wait_until([&] { return fs::exists(run + "/history.jsonl") && test::lines(read_file(run + "/history.jsonl")) > lines_before; });
    process.kill(signal);
    const Result result = process.result();
    INFO(result.err);
    REQUIRE(result.code == code);
    const std::string last = result.err.substr(result.err.rfind('\n', result.err.size() - 2) + 1);
    CHECK(last.find("the same command with --resume auto goes on") != std::string::npos);
    CHECK(newest_step(folder) > step);
    CHECK_NOTHROW(Checkpoint::load(checkpoints_in(folder).back().second));
    step = newest_step(folder);
  }
  const Result resumed = Process(graft, arguments).result();
  INFO(resumed.err);
  REQUIRE(resumed.code == 0);
  check_same_run(run, graft.folder.file("unbroken"));
  CHECK(parse_json(read_file(run + "/report.json"), "report").value("interrupted", false) == false);
}

TEST_CASE("graft train: a disk that is full ends the run, which goes on when there is room", "[cli][resume][error]") {
  const Program graft;
  REQUIRE(Process(graft, command(graft, "unbroken", "3", "3")).result().code == 0);
  const std::string run = graft.folder.file("run"), folder = run + "/checkpoints";
  const std::vector<std::string> arguments = command(graft, "run", "3", "3");
  test::write(graft.folder.file("limited.sh"), "ulimit -f 60\nexec \"$@\"\n");  // 60 KiB: the head's checkpoints, none of all layers
  std::string limited = "bash " + graft.folder.file("limited.sh") + " " GRAFT_PROGRAM;
  for (const std::string& argument : arguments) limited += " " + argument;
  const int status = std::system((limited + " > /dev/null 2> " + graft.folder.file("err")).c_str());
  const std::string said = read_file(graft.folder.file("err"));
  INFO(said);
  CHECK(WEXITSTATUS(status) == 1);
  CHECK(said.find("graft-S003") != std::string::npos);
  CHECK(said.find("disk has room") != std::string::npos);
  CHECK(newest_step(folder) > 0);
  CHECK(newest_step(folder) <= 15);
  for (const auto& [at, path] : checkpoints_in(folder)) CHECK_NOTHROW(Checkpoint::load(path));
  CHECK(parts(folder, "").empty());
  const Result resumed = Process(graft, arguments).result();
  INFO(resumed.err);
  REQUIRE(resumed.code == 0);
  check_same_run(run, graft.folder.file("unbroken"));
}

TEST_CASE("graft train: another run's checkpoints are refused with what differs", "[cli][resume][error]") {
  const Program graft;
  std::vector<std::string> arguments = command(graft, "run", "3", "8");
  const std::string folder = graft.folder.file("run/checkpoints");
  Process process(graft, arguments);
  process.wait_until([&] { return newest_step(folder) >= 6; });
  process.kill(SIGKILL);
  REQUIRE(process.was_killed());
  *(std::ranges::find(arguments, "--batch") + 1) = "8";
  const Result refused = Process(graft, arguments).result();
  INFO(refused.err);
  CHECK(refused.code != 0);
  CHECK(refused.err.find("graft-K025") != std::string::npos);
  CHECK(refused.err.find("8 x 2") != std::string::npos);
  CHECK(refused.err.find("4 x 2") != std::string::npos);
  arguments.erase(std::ranges::find(arguments, "--resume"), std::ranges::find(arguments, "--resume") + 2);
  CHECK(Process(graft, arguments).result().err.find("graft-C105") != std::string::npos);
}
