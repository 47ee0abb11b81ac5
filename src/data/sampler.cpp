#include "graft/data/sampler.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "graft/core/error.h"
#include "graft/core/rng.h"

namespace graft {
namespace {

void refuse(const std::string& got) {
  throw ConfigError({.code = "graft-C030",
                     .message = "[Sampler] finite weights of at least 0, and one above it, are wanted, got " + got + ".",
                     .remedy = "Give one weight for each record, such as 1 over the number of records of its class.",
                     .place = ""});
}

}  // namespace

Sampler Sampler::weighted(std::vector<double> weights) {
  if (weights.empty()) refuse("none");
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!(weights[i] >= 0) || !std::isfinite(weights[i])) refuse(std::to_string(weights[i]) + " for record " + std::to_string(i));
  }
  const double largest = std::ranges::max(weights);
  if (largest == 0) refuse("only 0");
  // In shares of the largest, so that no sum of them is infinite.
  double sum = 0;
  for (double& weight : weights) weight = sum += weight / largest;
  return Sampler(std::move(weights));
}

Sampler Sampler::balanced(const Data& data, const std::string& field) {
  std::vector<std::string> values;
  std::map<std::string, double> counts;
  for (std::size_t i = 0; i < data.size(); ++i) ++counts[values.emplace_back(data.get(i).text(field))];
  std::vector<double> weights;
  for (const std::string& value : values) weights.push_back(1 / counts.at(value));
  return weighted(std::move(weights));
}

std::vector<std::size_t> Sampler::order(std::uint64_t seed, std::uint64_t epoch) const {
  Rng rng(seed, epoch, ~std::uint64_t{2});  // a key that no record's preprocessing and no other order has
  std::vector<std::size_t> drawn(size());
  for (std::size_t& index : drawn) {
    // The first sum above the draw: a record of weight 0 has the sum of the one before it, so it is never the first.
    index = static_cast<std::size_t>(std::ranges::upper_bound(cumulated_, rng.uniform() * cumulated_.back()) - cumulated_.begin());
  }
  return drawn;
}

}  // namespace graft
