#include "eval/collector.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "core/in_float.h"
#include "head/rejecting.h"

namespace graft::eval {

Collector::Collector(const Model& model, const Data& data, std::size_t samples, const EvaluatorOptions& options)
    : head_(model.head()), preprocess_(*model.preprocess()), data_(data), one_each_(samples == data.size()), keep_(options.mistakes) {
  for (std::unique_ptr<Metric>& metric : head_.metrics()) metrics_.push_back(std::move(metric));
  metrics_.insert(metrics_.end(), options.metrics.begin(), options.metrics.end());
}

void Collector::add(const Fields& given, const Batch& batch) {
  const Fields outputs = in_float(given);
  for (const LossTerm& term : loss_terms(head_, outputs, batch.targets, batch.size())) {
    auto& [sum, weight] = terms_[term.name];
    sum += term.sum.item<double>();
    weight += term.weight.item<double>();
  }
  std::vector<Record> records;
  for (const std::int64_t index : batch.records) records.push_back(data_.get(static_cast<std::size_t>(index)));
  for (const auto& metric : metrics_) metric->update(outputs, batch, records);
  std::vector<Decoded> answers = head_.decode(outputs, batch, records);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (one_each_) {
      conclude(std::span(answers).subspan(i, 1), records[i]);
    } else {
      waiting_[batch.records[i]].push_back(std::move(answers[i]));
    }
  }
}

EvalReport Collector::report(double seconds) {
  EvalReport report;
  for (const auto& [record, samples] : waiting_) conclude(samples, data_.get(static_cast<std::size_t>(record)));
  // Stopped before the first batch, nothing was measured, which is not a loss of 0.
  double loss = records_ > 0 ? 0.0 : std::numeric_limits<double>::quiet_NaN();
  for (const auto& [name, term] : terms_) loss += term.first / term.second;
  report.metrics.emplace_back("loss", loss);
  for (const auto& metric : metrics_) {
    for (auto& value : metric->compute()) report.metrics.push_back(std::move(value));
  }
  report.samples = records_;
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

void Collector::conclude(std::span<const Decoded> samples, const Record& record) {
  const Decoded answer = head_.merge(samples, record);
  for (const auto& metric : metrics_) metric->answer(answer, record);
  ++records_;
  const std::string truth = head_.truth(record);
  if (truth.empty()) return;
  // Counted among the classes, as their metrics are: whether an answer is rejected is measured apart.
  const std::string& best = answer.rejected && !answer.top.empty() ? answer.top.front().first : answer.label;
  if (head_.has_classes() && !head::is_out_of_scope(head_, record)) ++answers_[{truth, best}];
  if (!answer.rejected && !head_.is_right(answer, record))
    mistakes_.push_back({record.place, text_of(record), truth, answer.label, answer.score});
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
