#include "eval/collector.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

namespace graft::eval {

void Collector::add(const Fields& outputs, const Batch& batch) {
  for (const LossTerm& term : loss_terms(head_, outputs, batch.targets, batch.size())) {
    auto& [sum, weight] = terms_[term.name];
    sum += term.sum.item<double>();
    weight += term.weight.item<double>();
  }
  std::vector<Record> records;
  for (const std::int64_t index : batch.records) records.push_back(data_.get(static_cast<std::size_t>(index)));
  for (const auto& metric : metrics_) metric->update(outputs, batch, records);
  compare(head_.decode(outputs, batch, records), records);
  samples_ += batch.size();
}

EvalReport Collector::report(double seconds) {
  EvalReport report;
  // Stopped before the first batch, nothing was measured, which is not a loss of 0.
  double loss = samples_ > 0 ? 0.0 : std::numeric_limits<double>::quiet_NaN();
  for (const auto& [name, term] : terms_) loss += term.first / term.second;
  report.metrics.emplace_back("loss", loss);
  for (const auto& metric : metrics_) {
    for (auto& value : metric->compute()) report.metrics.push_back(std::move(value));
  }
  report.samples = samples_;
  report.seconds = seconds;
  for (const auto& [pair, count] : answers_) {
    for (const std::string& label : {pair.first, pair.second}) index_.emplace(label, 0);
  }
  for (auto& [label, index] : index_) {
    index = static_cast<std::int64_t>(report.labels.size());
    report.labels.push_back(label);
  }
  report.confusion = metric::ConfusionMatrix(static_cast<std::int64_t>(report.labels.size()));
  for (const auto& [pair, count] : answers_) report.confusion.add(index_[pair.first], index_[pair.second], count);
  trim();
  report.mistakes = std::move(mistakes_);
  return report;
}

void Collector::compare(const std::vector<Decoded>& answers, const std::vector<Record>& records) {
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const std::string truth = head_.truth(records[i]);
    if (truth.empty()) continue;
    if (head_.has_classes()) ++answers_[{truth, answers[i].label}];
    if (truth != answers[i].label) mistakes_.push_back({records[i].place, text_of(records[i]), truth, answers[i].label, answers[i].score});
  }
  if (mistakes_.size() > 4 * keep_) trim();
}

std::string Collector::text_of(const Record& record) const {
  std::string text;
  for (const auto& [field, value] : preprocess_.example().values) {
    const bool is_text = std::holds_alternative<std::string>(value) && record.has_value(field);
    if (is_text) text += (text.empty() ? "" : " | ") + record.text(field);
  }
  return text;
}

void Collector::trim() {
  std::ranges::stable_sort(mistakes_, std::greater<>(), &Mistake::score);
  if (mistakes_.size() > keep_) mistakes_.resize(keep_);
}

}  // namespace graft::eval
