#include "graft/metric/squad.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace graft::metric {
namespace {

/// Times each word occurs, and how many words there are.
struct Words {
  explicit Words(std::string_view normalized) {
    while (!normalized.empty()) {
      const std::size_t end = std::min(normalized.find(' '), normalized.size());
      ++times[normalized.substr(0, end)];
      ++count;
      normalized.remove_prefix(std::min(end + 1, normalized.size()));
    }
  }

  std::map<std::string_view, int> times;
  int count = 0;
};

double f1_of(const std::string& prediction, const std::string& gold, SquadRules rules) {
  const Words given(prediction), wanted(gold);
  if (rules == SquadRules::V2 && (given.count == 0 || wanted.count == 0)) return given.count == wanted.count ? 1 : 0;
  int shared = 0;
  for (const auto& [word, times] : given.times) {
    if (const auto found = wanted.times.find(word); found != wanted.times.end()) shared += std::min(times, found->second);
  }
  if (shared == 0) return 0;
  const double precision = static_cast<double>(shared) / given.count, recall = static_cast<double>(shared) / wanted.count;
  return 2 * precision * recall / (precision + recall);
}

}  // namespace

AnswerMatch match_answer(const std::string& prediction, std::span<const std::string> golds, SquadRules rules) {
  std::vector<std::string> wanted;
  for (const std::string& gold : golds) wanted.push_back(normalize_answer(gold));
  if (rules == SquadRules::V2) std::erase(wanted, "");
  const std::string given = normalize_answer(prediction);
  if (wanted.empty()) return {given.empty() ? 1.0 : 0.0, given.empty() ? 1.0 : 0.0};
  AnswerMatch best;
  for (const std::string& gold : wanted) {
    best.exact_match = std::max(best.exact_match, given == gold ? 1.0 : 0.0);
    best.f1 = std::max(best.f1, f1_of(given, gold, rules));
  }
  return best;
}

void SquadScores::Sums::add(const Sums& other) {
  exact_match += other.exact_match;
  f1 += other.f1;
  questions += other.questions;
}

void SquadScores::Sums::report(MetricValues& values, const std::string& prefix) const {
  const double divisor = questions == 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(questions);
  values.emplace_back(prefix + "exact_match", exact_match / divisor);
  values.emplace_back(prefix + "f1", f1 / divisor);
}

AnswerMatch SquadScores::add(const std::string& prediction, std::span<const std::string> golds) {
  const AnswerMatch match = match_answer(prediction, golds, rules_);
  (golds.empty() ? unanswerable_ : answerable_).add({match.exact_match, match.f1, 1});
  return match;
}

void SquadScores::merge(const SquadScores& other) {
  answerable_.add(other.answerable_);
  unanswerable_.add(other.unanswerable_);
}

MetricValues SquadScores::compute() const {
  Sums all = answerable_;
  all.add(unanswerable_);
  MetricValues values;
  all.report(values, "");
  if (rules_ == SquadRules::V1) return values;
  if (answerable_.questions > 0) answerable_.report(values, "has_answer_");
  if (unanswerable_.questions > 0) unanswerable_.report(values, "no_answer_");
  return values;
}

ThresholdChoice best_threshold(std::vector<ThresholdCase> cases) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (cases.empty()) return {0, std::numeric_limits<double>::quiet_NaN()};
  for (ThresholdCase& question : cases) {
    if (std::isnan(question.no_answer_score)) question.no_answer_score = infinity;
  }
  std::ranges::stable_sort(cases, {}, &ThresholdCase::no_answer_score);
  const auto unanswerable = std::ranges::count(cases, false, &ThresholdCase::has_answer);
  double sum = static_cast<double>(unanswerable);
  ThresholdChoice best{std::min(0.0, std::nextafter(cases.front().no_answer_score, -infinity)), sum};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    sum += cases[i].has_answer ? cases[i].score : cases[i].score - 1;
    const bool is_last_of_equals = i + 1 == cases.size() || cases[i + 1].no_answer_score > cases[i].no_answer_score;
    if (is_last_of_equals && sum > best.score) best = {cases[i].no_answer_score, sum};
  }
  best.score /= static_cast<double>(cases.size());
  return best;
}

}  // namespace graft::metric
