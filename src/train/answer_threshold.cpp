#include "train/answer_threshold.h"

#include <algorithm>

#include "core/table.h"
#include "graft/core/log.h"
#include "graft/head/question_answering.h"
#include "graft/metric/squad.h"
#include "head/record_lists.h"

namespace graft::train {
namespace {

/// What each question would add if it were answered, and how likely there is no answer.
class Cases final : public Metric {
 public:
  explicit Cases(std::string answers) : answers_(std::move(answers)) {}
  void answer(const Decoded& answer, const Record& record) override {
    const std::vector<std::string>& golds = head::list_of(record, answers_);
    const std::string best = answer.spans.empty() ? std::string() : answer.spans.front().text;
    all.push_back({.no_answer_score = -answer.rejection_score.value_or(0),
                   .score = metric::match_answer(best, golds, metric::SquadRules::V2).f1,
                   .has_answer = !golds.empty()});
  }
  MetricValues compute() const override { return {}; }
  void merge(const Metric& other) override {
    const auto& more = dynamic_cast<const Cases&>(other).all;
    all.insert(all.end(), more.begin(), more.end());
  }
  void reset() override { all.clear(); }

  std::vector<metric::ThresholdCase> all;

 private:
  std::string answers_;
};

}  // namespace

void choose_answer_threshold(Model& model, const Data& valid, const EvaluatorOptions& how) {
  auto* head = dynamic_cast<head::QuestionAnswering*>(&model.head());
  if (head == nullptr || !head->options().unanswerable || valid.empty()) return;
  const auto cases = std::make_shared<Cases>(head->options().answers);
  EvaluatorOptions measuring = how;
  measuring.metrics = {cases};
  Evaluator(measuring).run(model, valid);
  if (std::ranges::all_of(cases->all, &metric::ThresholdCase::has_answer)) {
    log(LogLevel::Info,
        "no validation question is without an answer, so the threshold for none stays at " + fixed(head->options().threshold, 2));
    return;
  }
  const metric::ThresholdChoice choice = metric::best_threshold(cases->all);
  head->set_threshold(-choice.threshold);
  log(LogLevel::Info,
      "an answer must beat none by " + fixed(-choice.threshold, 2) + ": F1 " + fixed(choice.score, 4) + " on validation data");
}

}  // namespace graft::train
