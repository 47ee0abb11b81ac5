#pragma once

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "program.h"

namespace graft::test {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// The program in a process of its own, which may be sent signals.
class Process {
 public:
  Process(const Program& graft, std::vector<std::string> arguments) : graft_(graft), id_(::fork()) {
    REQUIRE(id_ >= 0);
    if (id_ > 0) return;
    const int out = ::open(graft.folder.file("out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    const int err = ::open(graft.folder.file("err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    std::vector<char*> argv{const_cast<char*>(GRAFT_PROGRAM)};
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    ::execv(GRAFT_PROGRAM, argv.data());
    ::_exit(127);
  }
  ~Process() {
    if (!has_ended_) kill(SIGKILL);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Waits until it has ended or `when` holds, for a minute at most.
  template <class When>
  void wait_until(When when) {
    for (const auto start = Clock::now(); !poll(WNOHANG) && !when() && seconds_since(start) < 60;)
      std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  void kill(int signal) {
    ::kill(id_, signal);
    poll(0);
  }
  bool was_killed() const { return has_ended_ && WIFSIGNALED(status_) && WTERMSIG(status_) == SIGKILL; }
  pid_t id() const { return id_; }
  Result result() {
    poll(0);
    return {WIFEXITED(status_) ? WEXITSTATUS(status_) : -1, read_file(graft_.folder.file("out")), read_file(graft_.folder.file("err"))};
  }

 private:
  bool poll(int how) {
    if (!has_ended_) has_ended_ = ::waitpid(id_, &status_, how) == id_;
    return has_ended_;
  }
  const Program& graft_;
  pid_t id_;
  int status_ = 0;
  bool has_ended_ = false;
};

}  // namespace graft::test
