#pragma once

#include <exception>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "core/json.h"
#include "graft/core/error.h"
#include "graft/train/callback.h"

namespace graft::cli {

/// How a command talks: flags that every command has.
struct Voice {
  bool json = false;
  bool quiet = false;
  bool verbose = false;
};

/// Prints an error as two lines each on stderr, at most three, then how many more; as {"errors": [...]} on stdout with --json.
/// Returns the exit code: 2 for a mistake that the caller can fix, 1 for a run that failed.
int report(const std::exception& error, const Voice& voice);

/// One line on stderr that is written over as work goes on; plain lines now and then where stderr is no terminal. Silent with --quiet.
class ProgressLine final : public Callback {
 public:
  explicit ProgressLine(const Voice& voice);
  ~ProgressLine() override;
  void on_fit_begin(const Model& model, const FitPlan& plan) override;
  void on_progress(const Progress& progress) override;
  ProgressFunction function();
  /// Takes the line away, so that results start on an empty one.
  void clear();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Stops at SIGINT and SIGTERM; a second signal ends the process at once.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  std::stop_token token() const { return source_.get_token(); }
  /// 128 + the signal's number, or 0.
  static int exit_code();

 private:
  std::stop_source source_;
  std::jthread watcher_;
};

bool is_terminal(int descriptor);
/// A terminal whose user has not ruled colours out (NO_COLOR, TERM=dumb).
bool takes_colours(int descriptor);

}  // namespace graft::cli
