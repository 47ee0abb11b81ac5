#include "graft/metric/regression.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "graft/core/error.h"

namespace graft::metric {
namespace {

double ratio(double part, double whole) { return whole > 0 ? part / whole : std::numeric_limits<double>::quiet_NaN(); }

}  // namespace

Regression::Regression(std::vector<std::string> targets, std::string field)
    : targets_(std::move(targets)), field_(std::move(field)), sums_(targets_.size()) {}

void Regression::Sums::add(const Sums& other) {
  const double all = samples + other.samples;
  if (all == 0) return;
  const double truth_gap = other.truth_mean - truth_mean, prediction_gap = other.prediction_mean - prediction_mean;
  const double between = samples * other.samples / all, share = other.samples / all;
  squared_error += other.squared_error;
  absolute_error += other.absolute_error;
  truth_spread += other.truth_spread + truth_gap * truth_gap * between;
  prediction_spread += other.prediction_spread + prediction_gap * prediction_gap * between;
  shared_spread += other.shared_spread + truth_gap * prediction_gap * between;
  truth_mean += truth_gap * share;
  prediction_mean += prediction_gap * share;
  samples = all;
}

void Regression::update(const Fields& outputs, const Batch& batch, std::span<const Record>) {
  const at::Tensor& predicted = outputs[field_];
  const at::Tensor& true_values = batch.targets[field_];
  const auto count = static_cast<std::int64_t>(targets_.size());
  if (predicted.dim() != 2 || predicted.size(1) != count || predicted.sizes() != true_values.sizes()) {
    throw ModelError({.code = "graft-M017",
                      .message = "[Regression] predictions and truths [N, " + std::to_string(count) + "] are wanted, got " +
                                 shape_text(predicted.sizes()) + " and " + shape_text(true_values.sizes()) + ".",
                      .remedy = "Make the metric for as many targets as the outputs have.",
                      .place = ""});
  }
  const at::Tensor predictions = predicted.to(at::kCPU, at::kDouble).contiguous(),
                   truths = true_values.to(at::kCPU, at::kDouble).contiguous();
  const auto* prediction = predictions.const_data_ptr<double>();
  const auto* truth = truths.const_data_ptr<double>();
  for (std::int64_t row = 0; row < truths.size(0); ++row) {
    for (Sums& sums : sums_) {
      const double error = *prediction - *truth;
      sums.add({.samples = 1,
                .squared_error = error * error,
                .absolute_error = std::abs(error),
                .truth_mean = *truth++,
                .prediction_mean = *prediction++});
    }
  }
}

MetricValues Regression::compute() const {
  MetricValues values;
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    const Sums& sums = sums_[i];
    const std::string prefix = targets_.size() == 1 ? "" : targets_[i] + "_";
    const double correlation = ratio(sums.shared_spread, std::sqrt(sums.truth_spread) * std::sqrt(sums.prediction_spread));
    values.emplace_back(prefix + "mse", ratio(sums.squared_error, sums.samples));
    values.emplace_back(prefix + "mae", ratio(sums.absolute_error, sums.samples));
    values.emplace_back(prefix + "r2", 1 - ratio(sums.squared_error, sums.truth_spread));
    values.emplace_back(prefix + "pearson", std::isnan(correlation) ? correlation : std::clamp(correlation, -1.0, 1.0));
  }
  return values;
}

void Regression::merge(const Metric& other) {
  const auto& same = dynamic_cast<const Regression&>(other);
  for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i].add(same.sums_[i]);
}

void Regression::reset() { sums_.assign(sums_.size(), {}); }

}  // namespace graft::metric
