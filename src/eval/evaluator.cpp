#include "graft/eval/evaluator.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>
#include <map>

#include "core/stopwatch.h"
#include "eval/evaluate_cut.h"
#include "graft/core/error.h"
#include "graft/data/loader.h"
#include "model/eval_mode.h"

namespace graft {
namespace {

/// Everything that is summed up over the batches of one evaluation.
class Collector {
 public:
  Collector(const Model& model, const Data& data, std::size_t keep)
      : head_(model.head()), preprocess_(*model.preprocess()), data_(data), keep_(keep), metrics_(model.head().metrics()) {}

  void add(const Fields& outputs, const Batch& batch) {
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

  EvalReport report(double seconds) {
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

 private:
  void compare(const std::vector<Decoded>& answers, const std::vector<Record>& records) {
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const std::string truth = head_.truth(records[i]);
      if (truth.empty()) continue;
      if (head_.has_classes()) ++answers_[{truth, answers[i].label}];
      if (truth != answers[i].label)
        mistakes_.push_back({records[i].place, text_of(records[i]), truth, answers[i].label, answers[i].score});
    }
    if (mistakes_.size() > 4 * keep_) trim();
  }

  std::string text_of(const Record& record) const {
    std::string text;
    for (const auto& [field, value] : preprocess_.example().values) {
      const bool is_text = std::holds_alternative<std::string>(value) && record.has_value(field);
      if (is_text) text += (text.empty() ? "" : " | ") + record.text(field);
    }
    return text;
  }

  void trim() {
    std::ranges::stable_sort(mistakes_, std::greater<>(), &Mistake::score);
    if (mistakes_.size() > keep_) mistakes_.resize(keep_);
  }

  const Head& head_;
  const Preprocess& preprocess_;
  const Data& data_;
  std::size_t keep_;
  Metrics metrics_;
  std::map<std::string, std::pair<double, double>> terms_;
  std::map<std::pair<std::string, std::string>, std::int64_t> answers_;  // (truth, answer)
  std::map<std::string, std::int64_t> index_;
  std::vector<Mistake> mistakes_;
  std::int64_t samples_ = 0;
};

void require_records(const Data& data) {
  if (!data.empty()) return;
  throw DataError({.code = "graft-D018",
                   .message = "[Evaluator] at least one record is wanted, there is none.",
                   .remedy = "Check the file or the split.",
                   .place = ""});
}

}  // namespace

EvalReport Evaluator::run(Model& model, const Data& data, std::stop_token stop) const {
  require_records(data);
  const c10::NoGradGuard no_grad;
  const EvalMode mode(model);
  const Stopwatch watch;
  Loader loader(data, model.preprocess(), target_function(model),
                {.batch_positions = options_.batch_positions, .order = Order::ByLength, .threads = options_.threads});
  Collector collector(model, data, options_.mistakes);
  std::int64_t done = 0;
  while (!stop.stop_requested()) {
    auto batch = loader.next();
    if (!batch) break;
    batch->targets = to(batch->targets, model.device());
    collector.add(model(batch->inputs), *batch);
    done += batch->size();
    if (options_.progress) options_.progress({"evaluate", done, static_cast<std::int64_t>(loader.num_samples()), ""});
  }
  return collector.report(watch.seconds());
}

EvalReport Evaluator::run(Model& model, const Data& data, const FeatureSet& set) const {
  require_records(data);
  const c10::NoGradGuard no_grad;
  const EvalMode mode(model);
  const Stopwatch watch;
  Collector collector(model, data, options_.mistakes);
  constexpr std::int64_t rows_at_once = 1024;
  for (std::int64_t start = 0; start < set.size(); start += rows_at_once) {
    const std::int64_t count = std::min(rows_at_once, set.size() - start);
    const auto first = set.records().begin() + start;
    const Batch batch{{}, rows(set.targets(), start, count), {first, first + count}};
    collector.add(model.head().forward(rows(set.features(), start, count)), batch);
  }
  return collector.report(watch.seconds());
}

EvalReport evaluate_cut(Model& model, const Data& data, const CutSet& set, std::stop_token stop) {
  require_records(data);
  const c10::NoGradGuard no_grad;
  const EvalMode mode(model);
  const Stopwatch watch;
  Collector collector(model, data, 0);
  constexpr std::size_t rows_at_once = 64;
  const std::vector<std::size_t> order = set.by_length();
  for (std::size_t start = 0; start < order.size() && !stop.stop_requested(); start += rows_at_once) {
    Batch batch = set.batch(std::span(order).subspan(start, std::min(rows_at_once, order.size() - start)));
    batch.targets = to(batch.targets, model.device());
    collector.add(model.head().forward(model.features_of_cut(batch.inputs)), batch);
  }
  return collector.report(watch.seconds());
}

}  // namespace graft
