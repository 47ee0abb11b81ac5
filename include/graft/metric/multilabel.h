#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/metric/confusion.h"
#include "graft/metric/metric.h"

namespace graft::metric {

/// How well sets of labels are told from "logits" [N, C] against 0 or 1, or shares of which above 0.5 count, [N, C]. Gives "micro_f1" (over
/// all N * C decisions), "macro_f1" (mean of the labels' F1), "exact_match" (share of samples whose labels are all right: scikit-learn's
/// accuracy_score) and "hamming_loss" (share of wrong decisions). F1 is 0 where it is 0 / 0; without samples all are NaN.
class GRAFT_API MultiLabel final : public Metric {
 public:
  /// A label counts as predicted if its probability is above `threshold`, in (0, 1).
  explicit MultiLabel(std::int64_t num_labels, double threshold = 0.5, std::string target = "labels");
  /// Throws ModelError if logits or targets are not for that many labels.
  void update(const Fields& outputs, const Batch& batch, std::span<const Record> records) override;
  MetricValues compute() const override;
  void merge(const Metric& other) override;
  void reset() override;
  /// For each label: 0 stands for without it, 1 for with it.
  const std::vector<ConfusionMatrix>& matrices() const { return matrices_; }

 private:
  double threshold_;
  std::string target_;
  std::vector<ConfusionMatrix> matrices_;
  std::int64_t exact_ = 0;
  std::int64_t seen_ = 0;
};

}  // namespace graft::metric
