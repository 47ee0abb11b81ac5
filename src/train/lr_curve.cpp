#include "train/lr_curve.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace graft::train {
namespace {

// Of the noise: a smoothed loss without a trend seldom wanders this far (tests/train/lr_picture_test.cpp).
constexpr double least_fall = 1.5;

/// The standard deviation from step to step, by the median, so that neither a trend nor single leaps add to it.
double noise(std::span<const double> losses) {
  std::vector<double> leaps;
  for (std::size_t i = 1; i < losses.size(); ++i) leaps.push_back(std::abs(losses[i] - losses[i - 1]));
  if (leaps.empty()) return 0;
  const auto middle = leaps.begin() + static_cast<std::ptrdiff_t>(leaps.size() / 2);
  std::ranges::nth_element(leaps, middle);
  return *middle / (0.6745 * std::numbers::sqrt2);  // as of a normal distribution
}

}  // namespace

std::optional<Fall> find_fall(std::span<const double> losses, std::span<const double> smoothed) {
  const std::size_t skipped = smoothed.size() / 10;
  const std::span<const double> curve = smoothed.subspan(skipped);
  if (curve.size() < 3) return std::nullopt;
  const auto lowest = std::ranges::min_element(curve);
  const auto highest = std::max_element(curve.begin(), lowest);
  const double depth = *highest - *lowest;
  const auto begin = static_cast<std::size_t>(highest - curve.begin()), end = static_cast<std::size_t>(lowest - curve.begin());
  if (!(depth > 0) || depth < least_fall * noise(losses.subspan(skipped, end + 1))) return std::nullopt;

  std::size_t halfway = end, steepest = end;
  while (curve[halfway] < *lowest + depth / 2) --halfway;
  double most = 0;
  for (std::size_t i = begin + 1; i <= end; ++i) {
    // Over two steps, so that one batch decides less.
    const std::size_t next = std::min(i + 1, end);
    const double slope = (curve[i - 1] - curve[next]) / static_cast<double>(next - i + 1);
    if (slope <= most) continue;
    most = slope;
    steepest = i;
  }
  return Fall{halfway + skipped, steepest + skipped, end + skipped};
}

}  // namespace graft::train
