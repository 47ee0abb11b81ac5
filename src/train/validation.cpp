#include "train/validation.h"

#include <algorithm>
#include <numeric>

#include "core/names.h"
#include "eval/evaluate_cut.h"
#include "graft/core/error.h"
#include "graft/eval/evaluator.h"
#include "train/autocast.h"

namespace graft::train {
namespace {

constexpr std::size_t rehearsed = 8;

/// Throws with each of these that is not known.
void require_metrics(const std::vector<std::string>& names, const std::vector<std::string>& known) {
  std::vector<Problem> problems;
  for (const std::string& name : names) {
    if (std::ranges::find(known, name) != known.end()) continue;
    problems.push_back({"graft-C029", "[Trainer] the metric \"" + name + "\" is not measured; there are " + quoted_list(known) + ".",
                        did_you_mean(name, known, "Take one of these."), ""});
  }
  if (!problems.empty()) throw ConfigError(problems);
}

}  // namespace

EvalReport Validation::run(std::stop_token stop) const {
  const EvaluatorOptions options{.threads = options_.threads, .mistakes = 0};
  const Evaluator evaluator(options);
  const Autocast autocast(model_.device(), options_.precision);
  if (!stores_.features.empty()) return evaluator.run(model_, data_, stores_.features.front());
  if (!stores_.cuts.empty()) return evaluate_cut(model_, data_, stores_.cuts.front(), options, stop);
  return evaluator.run(model_, data_, stop);
}

void Validation::rehearse(const std::vector<std::shared_ptr<Callback>>& callbacks) const {
  std::vector<std::string> read;
  if (options_.best_metric != "loss") read.push_back(options_.best_metric);
  for (const auto& callback : callbacks) std::ranges::copy(callback->reads_metrics(), std::back_inserter(read));
  if (!is_on()) {
    const bool wanted = !read.empty() || options_.schedule.needs_validation() || options_.patience > 0;
    if (!wanted) return;
    throw ConfigError({.code = "graft-C037",
                       .message = "[Trainer] " +
                                  (!read.empty()           ? quoted_list(read)
                                   : options_.patience > 0 ? std::string("when to stop early")
                                                           : "the schedule " + options_.schedule.text()) +
                                  " is decided by validation data, and there is none.",
                       .remedy = "Give validation data (Data::split, --valid or --split), or leave it out.",
                       .place = ""});
  }
  std::vector<std::size_t> few(std::min(rehearsed, data_.size()));
  std::iota(few.begin(), few.end(), std::size_t{0});
  std::vector<std::string> known;
  for (const auto& [name, value] : Evaluator({.threads = 0, .mistakes = 0}).run(model_, data_.subset(few)).metrics) known.push_back(name);
  require_metrics(read, known);
}

}  // namespace graft::train
