#include "graft/metric/accuracy.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "graft/core/error.h"

namespace graft::metric {

Accuracy::Accuracy(std::int64_t k, std::string target) : k_(k), target_(std::move(target)) {
  if (k_ >= 1) return;
  throw ConfigError({.code = "graft-C010",
                     .message = "[Accuracy] k of at least 1 is wanted, got " + std::to_string(k_) + ".",
                     .remedy = "Use 1 for plain accuracy.",
                     .place = ""});
}

void Accuracy::update(const Fields& outputs, const Batch& batch, std::span<const Record>) {
  const at::Tensor& logits = outputs["logits"];
  const at::Tensor& target = batch.targets[target_];
  const at::Tensor truth = target.dim() == 2 ? target.argmax(-1) : target;
  const at::Tensor largest = std::get<1>(logits.topk(std::min(k_, logits.size(-1)), -1));
  right_ += largest.eq(truth.unsqueeze(-1)).any(-1).sum().item<std::int64_t>();
  seen_ += truth.numel();
}

MetricValues Accuracy::compute() const {
  const double share = seen_ == 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(right_) / static_cast<double>(seen_);
  return {{k_ == 1 ? "accuracy" : "top_" + std::to_string(k_) + "_accuracy", share}};
}

void Accuracy::merge(const Metric& other) {
  const auto& same = dynamic_cast<const Accuracy&>(other);
  right_ += same.right_;
  seen_ += same.seen_;
}

void Accuracy::reset() { right_ = seen_ = 0; }

}  // namespace graft::metric
