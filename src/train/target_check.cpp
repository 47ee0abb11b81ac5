#include "train/target_check.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/table.h"
#include "graft/core/error.h"
#include "graft/head/classifier.h"
#include "graft/head/multilabel.h"

namespace graft::train {
namespace {

/// What rounding to float32, or to a few digits in a file, may cost.
constexpr double tolerance = 1e-2;

DataError wrong(const std::string& wanted, double got, const std::string& remedy, const std::string& place) {
  return DataError({.code = "graft-D016", .message = "[Trainer] " + wanted + fixed(got, 4) + ".", .remedy = remedy, .place = place});
}

}  // namespace

void require_shares(const Head& head, std::span<const Sample> samples, const std::string& place) {
  const bool is_classifier = dynamic_cast<const head::Classifier*>(&head) != nullptr;
  if (!is_classifier && dynamic_cast<const head::MultiLabel*>(&head) == nullptr) return;
  for (const Sample& sample : samples) {
    for (const auto& [name, target] : sample.targets) {
      if (!target.is_floating_point() || target.dim() != 1 || target.numel() == 0) continue;
      const double low = target.min().item<double>(), high = target.max().item<double>();
      if (!(low >= 0 && high <= 1)) {
        throw wrong("soft targets from 0 to 1 are wanted, got ", low >= 0 ? high : low,
                    "Scores become probabilities by softmax, or by sigmoid for labels that stand side by side.", place);
      }
      if (const double sum = target.sum().item<double>(); is_classifier && std::abs(sum - 1) > tolerance)
        throw wrong("probabilities of classes that sum to 1 are wanted; their sum is ", sum,
                    "Divide them by their sum; a record with several right answers is for a multi-label head.", place);
    }
  }
}

}  // namespace graft::train
