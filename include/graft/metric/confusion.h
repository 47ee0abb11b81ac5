#pragma once

#include <cstdint>
#include <vector>

#include "graft/core/api.h"
#include "graft/metric/metric.h"

namespace graft::metric {

/// Counts of (truth, prediction) among C classes, and what follows from them.
class GRAFT_API ConfusionMatrix {
 public:
  explicit ConfusionMatrix(std::int64_t num_classes = 0)
      : size_(num_classes), counts_(static_cast<std::size_t>(num_classes * num_classes), 0) {}

  void add(std::int64_t truth, std::int64_t prediction, std::int64_t times = 1);
  void add(const ConfusionMatrix& other);
  std::int64_t count(std::int64_t truth, std::int64_t prediction) const {
    return counts_[static_cast<std::size_t>(truth * size_ + prediction)];
  }
  std::int64_t num_classes() const { return size_; }
  std::int64_t total() const;
  /// Samples that are of this class; that were said to be.
  std::int64_t support(std::int64_t truth) const;
  std::int64_t predicted(std::int64_t prediction) const;

  double accuracy() const;
  /// Share of the largest class: what always naming it would reach.
  double majority_share() const;
  /// tp / (tp + fp), tp / (tp + fn), 2 tp / (2 tp + fp + fn); 0 where the denominator is.
  double precision(std::int64_t label) const;
  double recall(std::int64_t label) const;
  double f1(std::int64_t label) const;

 private:
  std::int64_t size_;
  std::vector<std::int64_t> counts_;
};

/// How per-class values become one: over all counts; the plain mean over the classes; the mean weighted by support.
/// (scikit-learn's average="micro", "macro", "weighted" with zero_division=0 and all classes as labels.)
enum class Average { Micro, Macro, Weighted };

/// Precision, recall and F1 of "logits" [N, C] against class numbers [N] or distributions [N, C] of which the largest counts; gives
/// "macro_precision", "macro_recall", "macro_f1" and so on.
class GRAFT_API F1 final : public Metric {
 public:
  F1(std::int64_t num_classes, Average average, std::string target = "label");
  void update(const Fields& outputs, const Batch& batch, std::span<const Record> records) override;
  MetricValues compute() const override;
  void merge(const Metric& other) override;
  void reset() override;
  const ConfusionMatrix& matrix() const { return matrix_; }

 private:
  Average average_;
  std::string target_;
  ConfusionMatrix matrix_;
};

}  // namespace graft::metric
