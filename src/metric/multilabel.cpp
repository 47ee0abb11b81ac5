#include "graft/metric/multilabel.h"

#include <ATen/ATen.h>

#include <limits>

#include "graft/core/error.h"

namespace graft::metric {

MultiLabel::MultiLabel(std::int64_t num_labels, double threshold, std::string target)
    : threshold_(threshold), target_(std::move(target)), matrices_(static_cast<std::size_t>(num_labels), ConfusionMatrix(2)) {}

void MultiLabel::update(const Fields& outputs, const Batch& batch, std::span<const Record>) {
  const at::Tensor& logits = outputs["logits"];
  const at::Tensor& labels = batch.targets[target_];
  const auto count = static_cast<std::int64_t>(matrices_.size());
  if (logits.dim() != 2 || logits.size(1) != count || labels.sizes() != logits.sizes()) {
    throw ModelError({.code = "graft-M017",
                      .message = "[MultiLabel] logits and targets of " + std::to_string(count) + " labels are wanted, got " +
                                 shape_text(logits.sizes()) + " and " + shape_text(labels.sizes()) + ".",
                      .remedy = "Make the metric for as many labels as the logits have.",
                      .place = ""});
  }
  const at::Tensor predictions = logits.sigmoid().gt(threshold_).to(at::kCPU).contiguous();
  const at::Tensor truths = labels.gt(0.5).to(at::kCPU).contiguous();
  const auto* prediction = predictions.const_data_ptr<bool>();
  const auto* truth = truths.const_data_ptr<bool>();
  for (std::int64_t row = 0; row < truths.size(0); ++row) {
    bool exact = true;
    for (ConfusionMatrix& matrix : matrices_) {
      matrix.add(*truth, *prediction);
      exact &= *truth++ == *prediction++;
    }
    exact_ += exact;
  }
  seen_ += truths.size(0);
}

MetricValues MultiLabel::compute() const {
  if (seen_ == 0) {
    const double nothing = std::numeric_limits<double>::quiet_NaN();
    return {{"micro_f1", nothing}, {"macro_f1", nothing}, {"exact_match", nothing}, {"hamming_loss", nothing}};
  }
  ConfusionMatrix all(2);
  double macro = 0;
  for (const ConfusionMatrix& matrix : matrices_) {
    all.add(matrix);
    macro += matrix.f1(1) / static_cast<double>(matrices_.size());
  }
  return {{"micro_f1", all.f1(1)},
          {"macro_f1", macro},
          {"exact_match", static_cast<double>(exact_) / static_cast<double>(seen_)},
          {"hamming_loss", 1 - all.accuracy()}};
}

void MultiLabel::merge(const Metric& other) {
  const auto& same = dynamic_cast<const MultiLabel&>(other);
  for (std::size_t i = 0; i < matrices_.size(); ++i) matrices_[i].add(same.matrices_[i]);
  exact_ += same.exact_;
  seen_ += same.seen_;
}

void MultiLabel::reset() {
  matrices_.assign(matrices_.size(), ConfusionMatrix(2));
  exact_ = seen_ = 0;
}

}  // namespace graft::metric
