#include "graft/core/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <regex>
#include <sstream>
#include <thread>

#include "core/file.h"
#include "support.h"

using namespace graft;

namespace {

/// Drops messages again at the end of a case, as the library does by itself.
struct Quiet {
  ~Quiet() { set_log_sink({}); }
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// What `call` writes to stderr, taken at the descriptor.
template <class Call>
std::string stderr_of(Call call) {
  const test::TempDir folder;
  const std::string path = folder.file("stderr");
  const int kept = ::dup(STDERR_FILENO);
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT, 0600);
  ::dup2(file, STDERR_FILENO);
  call();
  std::fflush(stderr);
  ::dup2(kept, STDERR_FILENO);
  ::close(kept);
  ::close(file);
  return read_file(path);
}

}  // namespace

TEST_CASE("Log: messages reach the sink with their level, in order", "[core]") {
  const Quiet quiet;
  std::vector<std::string> seen;
  set_log_sink(
      [&](LogLevel level, std::string_view message) { seen.push_back(std::to_string(static_cast<int>(level)) + std::string(message)); });
  log(LogLevel::Debug, "one");
  log(LogLevel::Warning, "two {} %s");
  log(LogLevel::Info, "");
  CHECK(seen == std::vector<std::string>{"0one", "2two {} %s", "1"});
}

TEST_CASE("Log: without a sink nothing is printed, and a new sink replaces the old", "[core]") {
  const Quiet quiet;
  int first = 0, second = 0;
  set_log_sink([&](LogLevel, std::string_view) { ++first; });
  log(LogLevel::Info, "a");
  set_log_sink([&](LogLevel, std::string_view) { ++second; });
  log(LogLevel::Info, "b");
  set_log_sink({});
  CHECK(stderr_of([] { log(LogLevel::Warning, "c"); }).empty());
  CHECK(first == 1);
  CHECK(second == 1);
}

TEST_CASE("Log: a sink is called by one thread at a time", "[core]") {
  const Quiet quiet;
  std::atomic<int> inside = 0;
  bool overlapped = false;
  int calls = 0;
  set_log_sink([&](LogLevel, std::string_view) {
    if (++inside > 1) overlapped = true;
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    ++calls;
    --inside;
  });
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([] {
        for (int i = 0; i < 50; ++i) log(LogLevel::Info, "x");
      });
  }
  CHECK_FALSE(overlapped);
  CHECK(calls == 200);
}

TEST_CASE("Log: a file gets lines with their time and level, and is appended to", "[core]") {
  const Quiet quiet;
  const test::TempDir folder;
  set_log_sink(file_log(folder.file("run.log")));
  log(LogLevel::Debug, "one");
  log(LogLevel::Warning, "two {}");
  set_log_sink(file_log(folder.file("run.log"), LogLevel::Warning));
  log(LogLevel::Info, "left out");
  log(LogLevel::Warning, "three");
  const auto lines = lines_of(read_file(folder.file("run.log")));
  REQUIRE(lines.size() == 3);
  const std::string time = R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} )";
  CHECK(std::regex_match(lines[0], std::regex(time + "debug one")));
  CHECK(std::regex_match(lines[1], std::regex(time + R"(warning two \{\})")));
  CHECK(std::regex_match(lines[2], std::regex(time + "warning three")));
}

TEST_CASE("Log: a line is in the file as soon as it was logged", "[core]") {
  const Quiet quiet;
  const test::TempDir folder;
  set_log_sink(file_log(folder.file("run.log")));
  log(LogLevel::Debug, "at once");
  CHECK(read_file(folder.file("run.log")).ends_with("at once\n"));
}

TEST_CASE("Log: the console gets lines of at least the wanted level, on stderr", "[core]") {
  const Quiet quiet;
  const std::string text = stderr_of([] {
    set_log_sink(console_log());
    log(LogLevel::Debug, "left out");
    log(LogLevel::Info, "shown");
    log(LogLevel::Warning, "shown too");
    set_log_sink(console_log(LogLevel::Debug));
    log(LogLevel::Debug, "now shown");
  });
  CHECK(lines_of(text) == std::vector<std::string>{"info: shown", "warning: shown too", "debug: now shown"});
}

TEST_CASE("Log: a file that cannot be written is told with its path", "[core][error]") {
  const test::TempDir folder;
  test::write(folder.file("plain"), "a file, no folder");
  const auto error = test::error_of<SystemError>([&] { file_log(folder.file("plain/run.log")); });
  CHECK(error.code() == "graft-S002");
  CHECK(error.message() == "[Log] the log file cannot be written.");
  CHECK(error.remedy() == "Name a folder that exists and that you may write to.");
  CHECK(error.place() == folder.file("plain/run.log"));
  CHECK_FALSE(error.details().empty());
}
