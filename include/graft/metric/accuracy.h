#pragma once

#include <cstdint>
#include <string>

#include "graft/core/api.h"
#include "graft/metric/metric.h"

namespace graft::metric {

/// Share of samples whose class is among the `k` largest of "logits" [N, C]; gives "accuracy" for k = 1, else "top_k_accuracy" with the
/// number in it ("top_3_accuracy"). Class numbers [N], or distributions [N, C] of which the largest counts. k beyond C counts as C.
class GRAFT_API Accuracy final : public Metric {
 public:
  explicit Accuracy(std::int64_t k = 1, std::string target = "label");
  void update(const Fields& outputs, const Batch& batch, std::span<const Record> records) override;
  MetricValues compute() const override;
  void merge(const Metric& other) override;
  void reset() override;

 private:
  std::int64_t k_;
  std::string target_;
  std::int64_t right_ = 0;
  std::int64_t seen_ = 0;
};

}  // namespace graft::metric
