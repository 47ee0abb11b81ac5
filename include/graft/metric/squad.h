#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graft/core/api.h"
#include "graft/metric/metric.h"

namespace graft::metric {

/// An answer in the form in which the official scripts of SQuAD compare answers: lower case, without the punctuation characters of ASCII
/// and the words a, an and the, one space between words. Lower case, white space and words are Unicode's, as in Python.
GRAFT_API std::string normalize_answer(std::string_view answer);

/// Which official script is followed. They differ where a gold answer is nothing once it is normalized, as "The" is: V1 (evaluate-v1.1.py)
/// takes it as a gold answer with which no words can be shared, V2 (evaluate-v2.0.py) leaves it out. V2 also tells questions that have an
/// answer from those that have none.
enum class SquadRules { V1, V2 };

/// How well a prediction matches the gold answer that it matches best, each in [0, 1].
struct AnswerMatch {
  /// 1 if they are equal when normalized, else 0.
  double exact_match = 0;
  /// Of the words that they share.
  double f1 = 0;
};

/// Without gold answers an empty prediction, which says that there is no answer, is the right one.
GRAFT_API AnswerMatch match_answer(const std::string& prediction, std::span<const std::string> golds, SquadRules rules = SquadRules::V2);

/// Means over questions: "exact_match" and "f1"; with V2 also "has_answer_exact_match", "has_answer_f1", "no_answer_exact_match" and
/// "no_answer_f1" over the questions with and without gold answers, where there are any. NaN without questions.
class GRAFT_API SquadScores {
 public:
  explicit SquadScores(SquadRules rules = SquadRules::V2) : rules_(rules) {}
  /// Adds a question; gives what it adds.
  AnswerMatch add(const std::string& prediction, std::span<const std::string> golds);
  void merge(const SquadScores& other);
  MetricValues compute() const;

 private:
  struct Sums {
    double exact_match = 0, f1 = 0;
    std::int64_t questions = 0;

    void add(const Sums& other);
    void report(MetricValues& values, const std::string& prefix) const;
  };

  SquadRules rules_;
  Sums answerable_, unanswerable_;
};

/// A question for the choice of a threshold.
struct ThresholdCase {
  /// The higher, the likelier there is no answer.
  double no_answer_score = 0;
  /// Exact match or F1 of the answer that is given if one is given.
  double score = 0;
  bool has_answer = false;
};

struct ThresholdChoice {
  /// A question whose no-answer score is above it is said to have no answer.
  double threshold = 0;
  /// Mean over the questions at this threshold.
  double score = 0;
};

/// The lowest threshold with the best mean: the search of evaluate-v2.0.py, but for two things: questions with equal scores fall on one
/// side, and the threshold at which nothing is answered lies below all scores where these are not above 0. A score that is NaN counts as
/// infinite. The mean is NaN without cases.
GRAFT_API ThresholdChoice best_threshold(std::vector<ThresholdCase> cases);

}  // namespace graft::metric
