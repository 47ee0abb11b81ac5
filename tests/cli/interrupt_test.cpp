// Signals and full disks: what is saved, what is said, and how soon.
#include "process.h"

using namespace graft;
using test::Clock;
using test::Process;
using test::Program;
using test::Result;
using test::seconds_since;

namespace {

struct Ended {
  Result result;
  double seconds_after_signal = 0;
};

/// Starts the program, waits until `file` has a line (or 60 s), sends the signal and waits for the end.
Ended interrupt(const Program& graft, std::vector<std::string> arguments, int signal, const std::string& file) {
  Process process(graft, std::move(arguments));
  process.wait_until([&] { return std::filesystem::exists(file) && std::filesystem::file_size(file) > 0; });
  const auto start = Clock::now();
  process.kill(signal);
  return {process.result(), seconds_since(start)};
}

}  // namespace

TEST_CASE("graft train: SIGINT and SIGTERM end a run with its best weights saved and its report printed", "[cli]") {
  const Program graft;
  const std::string run = graft.folder.file("run");
  const std::vector<std::string> arguments{"train",    "--backbone", graft.imported(), "--train", graft.messages("t.csv", 400, 0),
                                           "--preset", "full",       "--epochs",       "100000",  "--out",
                                           run};
  const auto [signal, code] = GENERATE(std::pair{SIGINT, 130}, std::pair{SIGTERM, 143});
  const Ended ended = interrupt(graft, arguments, signal, run + "/history.jsonl");
  INFO(ended.result.err);
  CHECK(ended.result.code == code);
  CHECK(ended.seconds_after_signal < 5);  // a second or two on a quiet machine
  CHECK(ended.result.err.find("the best weights so far are in " + run + "/model.pt") != std::string::npos);
  CHECK(ended.result.out.find("best so far: epoch ") != std::string::npos);
  CHECK(ended.result.out.find("valid loss") != std::string::npos);
  const Json report = parse_json(read_file(run + "/report.json"), "report");
  CHECK(report.at("interrupted") == true);
  CHECK(report.at("metrics").contains("accuracy"));
  CHECK(graft("predict " + run + "/model.pt 'a b c'").code == 0);
}

TEST_CASE("graft train: a run interrupted before it learned anything leaves no folder behind", "[cli]") {
  const Program graft;
  const std::string run = graft.folder.file("run");
  // Computing the features of so many records takes far longer than the signal.
  const std::vector<std::string> arguments{"train",    "--backbone", graft.imported(), "--train", graft.messages("t.csv", 20000, 0),
                                           "--preset", "probe",      "--out",          run};
  const Ended ended = interrupt(graft, arguments, SIGINT, run + "/config.json");
  INFO(ended.result.err);
  CHECK(ended.result.code == 130);
  CHECK(ended.result.err.find("nothing was saved") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(run));
}

TEST_CASE("graft train: a disk that is full while saving fails the run and leaves the model that was there", "[cli][error]") {
  const Program graft;
  const std::string run = graft.trained();
  const std::string before = read_file(run + "/model.pt");
  test::write(graft.folder.file("limited.sh"), "ulimit -f 8\nexec \"$@\"\n");  // no file over 8 blocks of 1 KiB
  const std::string command = "bash " + graft.folder.file("limited.sh") + " " GRAFT_PROGRAM " train --backbone " + graft.imported() +
                              " --train " + graft.folder.file("train.csv") + " --out " + run + " --force --quiet 2> " +
                              graft.folder.file("err");
  const int status = std::system(command.c_str());
  const std::string said = read_file(graft.folder.file("err"));
  INFO(said);
  CHECK(WEXITSTATUS(status) == 1);
  CHECK(said.find("graft-S003") != std::string::npos);
  CHECK(said.find("disk") != std::string::npos);
  CHECK(read_file(run + "/model.pt") == before);
  for (const auto& entry : std::filesystem::directory_iterator(run)) CHECK(entry.path().string().find(".part") == std::string::npos);
}

TEST_CASE("graft train: killed while it fills a store's folder, the next run works, and finds what was written", "[cli]") {
  const Program graft;
  const std::string run = graft.folder.file("run"), store = graft.folder.file("store");
  const std::vector<std::string> arguments{"train",    "--backbone", graft.imported(), "--train", graft.messages("t.csv", 20000, 0),
                                           "--preset", "probe",      "--store",        store,     "--out",
                                           run};
  // The name of the file is not known before; the folder's listing is written to a file of a known name.
  const std::string written = graft.folder.file("written");
  std::jthread watcher([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::error_code ignored;
      for (const auto& entry : std::filesystem::directory_iterator(store, ignored)) {
        if (entry.file_size(ignored) > 20000) test::write(written, "yes");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  interrupt(graft, arguments, SIGKILL, written);
  const std::string kept = std::filesystem::directory_iterator(store)->path();
  const auto before = std::filesystem::file_size(kept);
  CHECK(before > 20000);
  const Result again = graft("train --backbone " + graft.imported() + " --train " + graft.messages("t.csv", 300, 0) + " --store " + store +
                             " --out " + graft.folder.file("second") + " --json");
  INFO(again.err);
  CHECK(again.code == 0);
  CHECK(parse_json(again.out, "out").at("metrics").at("accuracy").get<double>() > 0.5);
}
