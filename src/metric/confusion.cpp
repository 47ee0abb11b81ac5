#include "graft/metric/confusion.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "graft/core/error.h"

namespace graft {

double value_of(const MetricValues& values, const std::string& name) {
  const auto found = std::ranges::find(values, name, &std::pair<std::string, double>::first);
  return found == values.end() ? std::numeric_limits<double>::quiet_NaN() : found->second;
}

namespace metric {
namespace {

double ratio(std::int64_t part, std::int64_t whole) { return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole); }

}  // namespace

void ConfusionMatrix::add(std::int64_t truth, std::int64_t prediction, std::int64_t times) {
  counts_[static_cast<std::size_t>(truth * size_ + prediction)] += times;
}

void ConfusionMatrix::add(const ConfusionMatrix& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

std::int64_t ConfusionMatrix::total() const {
  std::int64_t sum = 0;
  for (const std::int64_t count : counts_) sum += count;
  return sum;
}

std::int64_t ConfusionMatrix::support(std::int64_t truth) const {
  std::int64_t sum = 0;
  for (std::int64_t prediction = 0; prediction < size_; ++prediction) sum += count(truth, prediction);
  return sum;
}

std::int64_t ConfusionMatrix::predicted(std::int64_t prediction) const {
  std::int64_t sum = 0;
  for (std::int64_t truth = 0; truth < size_; ++truth) sum += count(truth, prediction);
  return sum;
}

double ConfusionMatrix::accuracy() const {
  std::int64_t right = 0;
  for (std::int64_t label = 0; label < size_; ++label) right += count(label, label);
  return ratio(right, total());
}

double ConfusionMatrix::majority_share() const {
  std::int64_t largest = 0;
  for (std::int64_t label = 0; label < size_; ++label) largest = std::max(largest, support(label));
  return ratio(largest, total());
}

double ConfusionMatrix::precision(std::int64_t label) const { return ratio(count(label, label), predicted(label)); }
double ConfusionMatrix::recall(std::int64_t label) const { return ratio(count(label, label), support(label)); }
double ConfusionMatrix::f1(std::int64_t label) const { return ratio(2 * count(label, label), predicted(label) + support(label)); }

F1::F1(std::int64_t num_classes, Average average, std::string target)
    : average_(average), target_(std::move(target)), matrix_(num_classes) {}

void F1::update(const Fields& outputs, const Batch& batch, std::span<const Record>) {
  const at::Tensor predictions = outputs["logits"].argmax(-1).to(at::kCPU).contiguous();
  const at::Tensor& target = batch.targets[target_];
  const at::Tensor truths = (target.dim() == 2 ? target.argmax(-1) : target).to(at::kCPU).to(at::kLong).contiguous();
  const auto* prediction = predictions.const_data_ptr<std::int64_t>();
  const auto* truth = truths.const_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < truths.numel(); ++i) {
    const auto known = [&](std::int64_t label) { return label >= 0 && label < matrix_.num_classes(); };
    if (!known(truth[i]) || !known(prediction[i])) {
      throw ModelError({.code = "graft-M017",
                        .message = "[F1] classes 0 to " + std::to_string(matrix_.num_classes() - 1) + " are wanted, got truth " +
                                   std::to_string(truth[i]) + " and prediction " + std::to_string(prediction[i]) + ".",
                        .remedy = "Make the metric for as many classes as the logits have, and leave ignored targets out of the batch.",
                        .place = ""});
    }
    matrix_.add(truth[i], prediction[i]);
  }
}

MetricValues F1::compute() const {
  double precision = 0, recall = 0, f1 = 0, weights = 0;
  for (std::int64_t label = 0; label < matrix_.num_classes(); ++label) {
    const double weight = average_ == Average::Weighted ? static_cast<double>(matrix_.support(label)) : 1.0;
    precision += weight * matrix_.precision(label);
    recall += weight * matrix_.recall(label);
    f1 += weight * matrix_.f1(label);
    weights += weight;
  }
  if (weights > 0) {
    precision /= weights;
    recall /= weights;
    f1 /= weights;
  }
  // Every sample has one label and one prediction, so over all counts the three are the accuracy.
  if (average_ == Average::Micro) precision = recall = f1 = matrix_.accuracy();
  const std::string name = average_ == Average::Micro ? "micro_" : average_ == Average::Macro ? "macro_" : "weighted_";
  return {{name + "precision", precision}, {name + "recall", recall}, {name + "f1", f1}};
}

void F1::merge(const Metric& other) { matrix_.add(dynamic_cast<const F1&>(other).matrix_); }
void F1::reset() { matrix_ = ConfusionMatrix(matrix_.num_classes()); }

}  // namespace metric
}  // namespace graft
