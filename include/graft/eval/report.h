#pragma once

#include <cstdint>
#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/metric/confusion.h"
#include "graft/metric/metric.h"

namespace graft {

/// A wrong answer of which the model was sure.
struct Mistake {
  std::string place;
  /// The record's texts.
  std::string text;
  std::string expected, predicted;
  double score = 0;
};

/// What an evaluation found.
struct GRAFT_API EvalReport {
  /// "loss" first, then the head's metrics.
  MetricValues metrics;
  std::int64_t samples = 0;
  double seconds = 0;
  /// Where answers are labels: names, and counts of (truth, answer). Else empty.
  std::vector<std::string> labels;
  metric::ConfusionMatrix confusion;
  /// Surest first.
  std::vector<Mistake> mistakes;

  double metric(const std::string& name) const { return value_of(metrics, name); }
  /// For people: metrics beside the majority baseline, the confusion matrix (its largest cells where classes are many), the worst classes,
  /// the surest mistakes.
  std::string text() const;
  /// {"metrics", "samples", "seconds", "majority_baseline", "classes", "confusion", "mistakes"}.
  nlohmann::json json() const;
};

GRAFT_API std::ostream& operator<<(std::ostream& out, const EvalReport& report);

}  // namespace graft
