#include "graft/train/cross_validate.h"

#include <cmath>

#include "core/json.h"
#include "core/table.h"
#include "core/warning.h"
#include "train/readable.h"
#include "train/rejection.h"

namespace graft {
namespace {

double mean_of(const std::vector<EvalReport>& folds, const std::string& name) {
  double sum = 0;
  for (const EvalReport& fold : folds) sum += fold.metric(name);
  return sum / static_cast<double>(folds.size());
}

}  // namespace

CrossValidation cross_validate(const std::function<Model()>& make_model, const Data& data, const CrossValidationOptions& options) {
  CrossValidation found{.folds = {}, .planned = options.folds};
  std::size_t number = 0;
  for (const Splits& fold : data.folds(options.folds, {.stratify = options.stratify, .seed = options.seed})) {
    if (options.fine_tune.stop.stop_requested()) break;
    Splits parts = fold.train.split({.valid = options.valid, .stratify = options.stratify, .seed = options.seed});
    parts.test = fold.valid;
    Model model = make_model();
    // Before a sampler is made, which counts on the records that are left.
    if (const auto left_out = train::leave_out_of_scope(model.head(), parts.train)) warn(*left_out);
    parts.train = train::readable(model, parts.train, options.fine_tune.trainer).data;
    FineTuneOptions fine_tuning = options.fine_tune;
    fine_tuning.evaluate = true;
    fine_tuning.trainer.checkpoints = {};
    fine_tuning.check = options.fine_tune.check && found.folds.empty();  // every fold has the same records
    if (options.prepare) options.prepare(fine_tuning, parts, ++number);
    FineTuneReport report = fine_tune(model, parts, fine_tuning);
    if (report.measured_on == "test") found.folds.push_back(std::move(report.evaluation));
  }
  return found;
}

MetricValues CrossValidation::mean() const {
  MetricValues means;
  if (folds.empty()) return means;
  for (const auto& [name, value] : folds.front().metrics) means.emplace_back(name, mean_of(folds, name));
  return means;
}

MetricValues CrossValidation::deviation() const {
  MetricValues deviations;
  if (folds.size() < 2) return deviations;
  for (const auto& [name, value] : folds.front().metrics) {
    const double mean = mean_of(folds, name);
    double squares = 0;
    for (const EvalReport& fold : folds) squares += (fold.metric(name) - mean) * (fold.metric(name) - mean);
    deviations.emplace_back(name, std::sqrt(squares / static_cast<double>(folds.size() - 1)));
  }
  return deviations;
}

std::string CrossValidation::text() const {
  const std::string title =
      "Cross-validation, " + std::to_string(folds.size()) + (is_interrupted() ? " of " + std::to_string(planned) : "") + " folds\n";
  if (folds.empty()) return title;
  const MetricValues means = mean(), deviations = deviation();
  Table table;
  std::vector<std::string> header{"metric", "mean"};
  if (!deviations.empty()) header.emplace_back("+-");
  for (std::size_t fold = 1; fold <= folds.size(); ++fold) header.push_back("fold " + std::to_string(fold));
  table.add(header);
  for (std::size_t i = 0; i < means.size(); ++i) {
    std::vector<std::string> row{means[i].first, fixed(means[i].second, 4)};
    if (!deviations.empty()) row.push_back(fixed(deviations[i].second, 4));
    for (const EvalReport& fold : folds) row.push_back(fixed(fold.metric(means[i].first), 4));
    table.add(std::move(row));
  }
  return title + table.text();
}

Json CrossValidation::json() const {
  const auto object = [](const MetricValues& values) {
    Json json = Json::object();
    for (const auto& [name, value] : values) json[name] = value;
    return json;
  };
  Json list = Json::array();
  std::int64_t samples = 0;
  for (const EvalReport& fold : folds) {
    list.push_back(object(fold.metrics));
    samples += fold.samples;
  }
  Json result{
      {"folds", list}, {"metrics", object(mean())}, {"deviation", object(deviation())}, {"metrics_on", "folds"}, {"samples", samples}};
  if (is_interrupted()) {
    result["interrupted"] = true;
    result["folds_planned"] = planned;
  }
  return result;
}

}  // namespace graft
