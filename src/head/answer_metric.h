#pragma once

#include <string>

#include "graft/metric/squad.h"
#include "head/record_lists.h"

namespace graft::head {

/// Exact match and F1 of answers, against the right ones in a field of their records.
class AnswerMetric final : public Metric {
 public:
  AnswerMetric(std::string answers, metric::SquadRules rules) : answers_(std::move(answers)), rules_(rules), scores_(rules) {}
  void answer(const Decoded& answer, const Record& record) override { scores_.add(answer.label, list_of(record, answers_)); }
  MetricValues compute() const override { return scores_.compute(); }
  void merge(const Metric& other) override { scores_.merge(dynamic_cast<const AnswerMetric&>(other).scores_); }
  void reset() override { scores_ = metric::SquadScores(rules_); }

 private:
  std::string answers_;
  metric::SquadRules rules_;
  metric::SquadScores scores_;
};

}  // namespace graft::head
