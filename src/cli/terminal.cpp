#include "cli/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "core/names.h"
#include "core/stopwatch.h"
#include "core/table.h"

namespace graft::cli {
namespace {

constexpr std::size_t shown_errors = 3;
std::atomic<int> caught = 0;

extern "C" void catch_signal(int signal) {
  caught = signal;
  std::signal(signal, SIG_DFL);
}

std::vector<Problem> problems_of(const std::exception& error) {
  if (const auto* known = dynamic_cast<const Error*>(&error)) return known->problems();
  const std::string what = error.what();  // LibTorch adds a backtrace
  return {{"graft-S000", "[graft] something went wrong that should not: " + what.substr(0, what.find('\n')),
           "Run again with --verbose, and report it.", ""}};
}

std::string duration(double seconds) {
  if (seconds < 60) return fixed(seconds, 0) + " s";
  if (seconds < 3600) return fixed(seconds / 60, 0) + " min";
  return fixed(seconds / 3600, 1) + " h";
}

}  // namespace

bool is_terminal(int descriptor) { return ::isatty(descriptor) != 0; }

bool takes_colours(int descriptor) {
  const char *none = std::getenv("NO_COLOR"), *kind = std::getenv("TERM");
  const bool is_ruled_out = (none != nullptr && *none != '\0') || (kind != nullptr && std::string_view(kind) == "dumb");
  return is_terminal(descriptor) && !is_ruled_out;
}

int report(const std::exception& error, const Voice& voice) {
  const std::vector<Problem> problems = problems_of(error);
  if (voice.json) {
    Json list = Json::array();
    for (const Problem& problem : problems) {
      list.push_back({{"code", problem.code}, {"message", problem.message}, {"remedy", problem.remedy}, {"place", problem.place}});
    }
    std::cout << json_text(Json::object({{"errors", list}})) << "\n";
  } else {
    const bool colour = is_terminal(STDERR_FILENO);
    for (std::size_t i = 0; i < std::min(shown_errors, problems.size()); ++i) {
      const Problem& problem = problems[i];
      std::cerr << (colour ? "\033[31merror\033[0m " : "error ") << problem.code << ": " << problem.message
                << (problem.place.empty() ? "" : " (" + problem.place + ")") << "\n    " << problem.remedy << "\n";
    }
    if (problems.size() > shown_errors) std::cerr << "and " << problems.size() - shown_errors << " more like these\n";
  }
  const auto* known = dynamic_cast<const Error*>(&error);
  if (voice.verbose && known != nullptr && !known->details().empty()) std::cerr << "\n" << known->details() << "\n";
  // What the machine or the numbers did is a failed run; everything else the caller can mend.
  const char kind = problems.front().code.at(std::string_view("graft-").size());
  return kind == 'S' || kind == 'N' ? 1 : 2;
}

struct ProgressLine::State {
  bool quiet, terminal;
  std::string phase;
  Stopwatch since_phase, since_line;
  double last = -1e9;
  std::size_t width = 0;
};

ProgressLine::ProgressLine(const Voice& voice)
    : state_(std::make_unique<State>(State{voice.quiet, is_terminal(STDERR_FILENO), "", {}, {}, -1e9, 0})) {}

ProgressLine::~ProgressLine() { clear(); }

void ProgressLine::clear() {
  if (state_->width > 0) std::cerr << "\r" << std::string(state_->width, ' ') << "\r" << std::flush;
  state_->width = 0;
}

void ProgressLine::on_fit_begin(const Model&, const FitPlan& plan) {
  if (state_->quiet || !plan.memory) return;
  clear();
  std::cerr << plan.memory->text() << "\n";
}

void ProgressLine::on_progress(const Progress& progress) {
  State& state = *state_;
  if (state.quiet) return;
  if (progress.phase != state.phase) {
    state.phase = progress.phase;
    state.since_phase = Stopwatch();
    state.last = -1e9;
  }
  const double now = state.since_phase.seconds();
  const bool finished = progress.done >= progress.total;
  // A terminal gets ten lines a second, a log one in ten seconds, and both the last one.
  if (now - state.last < (state.terminal ? 0.1 : 10.0) && !(finished && state.terminal)) return;
  if (!state.terminal && now < 5.0) return;
  state.last = now;
  const double rate = now > 0 ? static_cast<double>(progress.done) / now : 0;
  std::string line = progress.phase + " " + with_commas(progress.done) + " / " + with_commas(progress.total);
  if (rate > 0 && now > 0.5) {
    line += "  " + fixed(rate, rate < 10 ? 1 : 0) + "/s";
    if (!finished) line += "  " + duration(static_cast<double>(progress.total - progress.done) / rate) + " left";
  }
  if (!progress.note.empty()) line += "  " + progress.note;
  if (state.terminal) {
    std::cerr << "\r" << line << std::string(state.width > line.size() ? state.width - line.size() : 0, ' ') << std::flush;
    state.width = line.size();
  } else {
    std::cerr << line << "\n";
  }
}

ProgressFunction ProgressLine::function() {
  return [this](const Progress& progress) { on_progress(progress); };
}

Interrupt::Interrupt() {
  std::signal(SIGINT, catch_signal);
  std::signal(SIGTERM, catch_signal);
  // Asking for a stop takes locks, which a signal handler must not; so a thread looks for the signal.
  watcher_ = std::jthread([this](const std::stop_token& done) {
    while (!done.stop_requested() && caught == 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (caught == 0) return;
    source_.request_stop();
    std::cerr << "\nstopping after the step at hand; once more ends at once, without saving" << std::endl;
  });
}

Interrupt::~Interrupt() = default;

int Interrupt::exit_code() { return caught == 0 ? 0 : 128 + caught; }

}  // namespace graft::cli
