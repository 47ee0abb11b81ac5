#include "graft/metric/roc.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace graft::metric {

double auroc(std::span<const double> positive_scores, std::span<const double> negative_scores) {
  const auto is_nan = [](double score) { return std::isnan(score); };
  if (positive_scores.empty() || negative_scores.empty() || std::ranges::any_of(positive_scores, is_nan) ||
      std::ranges::any_of(negative_scores, is_nan)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  std::vector<double> negatives(negative_scores.begin(), negative_scores.end());
  std::ranges::sort(negatives);
  // Negatives below count twice and equal ones once, so that the sum stays whole.
  double halves = 0;
  for (const double score : positive_scores) {
    const auto equal = std::ranges::equal_range(negatives, score);
    halves += static_cast<double>((equal.begin() - negatives.begin()) + (equal.end() - negatives.begin()));
  }
  return halves / 2 / static_cast<double>(positive_scores.size()) / static_cast<double>(negative_scores.size());
}

}  // namespace graft::metric
