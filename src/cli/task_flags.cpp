#include "cli/task_flags.h"

#include <algorithm>

#include "core/names.h"

namespace graft::cli {
namespace {

using Kind = Task::Kind;

constexpr unsigned bit(Kind kind) { return 1U << static_cast<unsigned>(kind); }

constexpr unsigned classify = bit(Kind::Classify), multilabel = bit(Kind::MultiLabel), regress = bit(Kind::Regress),
                   answers = bit(Kind::Answers), tokens = bit(Kind::Tokens);

struct Flag {
  const char* name;
  bool is_given;
  /// The tasks it applies to.
  unsigned tasks;
  /// It makes a head, which a saved model has.
  bool makes_head;
};

std::vector<Flag> flags_of(const TrainSettings& s) {
  return {{"--hidden", s.hidden != 0, classify | multilabel | regress, true},
          {"--dropout", s.dropout != 0, classify | multilabel | regress, true},
          {"--label-smoothing", s.label_smoothing != 0, classify | tokens, true},
          {"--focal", s.focal != 0, classify | multilabel | tokens, true},
          {"--class-weights", s.class_weights != "none", classify, true},
          {"--sampler", s.sampler != "none", classify, false},
          {"--reject-label", !s.reject_label.empty(), classify, false},
          {"--reject-recall", s.reject_recall != 0, classify, false},
          {"--reject-precision", s.reject_precision != 0, classify, false},
          {"--stride", s.stride != 0, answers, false},
          {"--token-column", !s.token_column.empty(), tokens, false},
          {"--tag-column", !s.tag_column.empty(), tokens, false},
          {"--strict-tags", s.strict_tags, tokens, false}};
}

}  // namespace

std::vector<Problem> unfit_flags(const TrainSettings& given, const Task& task, bool goes_on) {
  std::vector<std::string> other_task, other_head;
  for (const Flag& flag : flags_of(given)) {
    if (!flag.is_given) continue;
    if ((flag.tasks & bit(task.kind)) == 0) {
      other_task.push_back(flag.name);
    } else if (goes_on && flag.makes_head) {
      other_head.push_back(flag.name);
    }
  }
  if (answers_by_token(task) || task.kind == Kind::Detect) {
    // A run's own config.json names the columns that it found.
    const auto names_others = [](const std::string& columns, const std::vector<std::string>& own) {
      return !columns.empty() && split_list(columns) != own;
    };
    if (names_others(given.text, task.texts)) other_task.push_back("--text");
    if (names_others(given.label, task.targets)) other_task.push_back("--label");
  }
  std::vector<Problem> problems;
  const auto tell = [&](const std::vector<std::string>& flags, const std::string& why) {
    if (flags.empty()) return;
    problems.push_back({"graft-C124",
                        "[graft train] " + quoted_list(flags) + (flags.size() == 1 ? " does" : " do") + " not apply: " + why + ".",
                        flags.size() == 1 ? "Leave it out." : "Leave them out.", ""});
  };
  tell(other_task, "the task is " + name_of(task) + ", " + what_it_learns(task));
  tell(other_head, "the saved model brings its head along");
  return problems;
}

}  // namespace graft::cli
