#include "data/pieces.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "core/parallel.h"
#include "graft/core/error.h"
#include "graft/data/collate.h"

namespace graft::data {
namespace {

using Runs = std::vector<std::pair<std::size_t, std::size_t>>;

/// True if the two differ at most in what can be filled up.
bool can_share(const Fields& a, const Fields& b, const Padding& padding) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](const auto& x, const auto& y) {
    const at::IntArrayRef from = x.second.sizes(), to = y.second.sizes();
    const bool filled = std::ranges::find(padding.values, x.first, &std::pair<std::string, double>::first) != padding.values.end();
    return x.first == y.first && (from == to || (filled && !from.empty() && !to.empty() && from.slice(1) == to.slice(1)));
  });
}

/// The cheapest way to join neighbours, by dynamic programming over where the last batch begins. Samples come longest first.
Runs joined(const Runs& runs, const std::vector<Sample>& samples, const Padding& padding, std::size_t most, std::int64_t cost) {
  std::vector<std::int64_t> least(runs.size() + 1, std::numeric_limits<std::int64_t>::max());
  std::vector<std::size_t> begin(runs.size() + 1, 0);
  least[0] = 0;
  for (std::size_t first = 0; first < runs.size(); ++first) {
    const Sample& longest = samples[runs[first].first];
    for (std::size_t last = first; last < runs.size(); ++last) {
      const std::size_t rows = runs[last].second - runs[first].first;
      const Sample& shortest = samples[runs[last].first];
      if (last > first &&
          (rows > most || !can_share(longest.inputs, shortest.inputs, padding) || !can_share(longest.targets, shortest.targets, padding)))
        break;
      const std::int64_t total = least[first] + static_cast<std::int64_t>(rows) * positions(longest, padding) + cost;
      if (total > least[last + 1]) continue;  // of equal ones the later, which fills up less
      least[last + 1] = total;
      begin[last + 1] = first;
    }
  }
  Runs joined;
  for (std::size_t end = runs.size(); end > 0; end = begin[end]) joined.emplace_back(runs[begin[end]].first, runs[end - 1].second);
  std::ranges::reverse(joined);
  return joined;
}

}  // namespace

std::int64_t positions(const Sample& sample, const Padding& padding) {
  for (const auto& [name, fill] : padding.values) {
    const at::Tensor* input = sample.inputs.find(name);
    if (input != nullptr && input->dim() > 0) return input->size(0);
  }
  return 0;
}

std::vector<std::pair<std::size_t, std::size_t>> equal_runs(const std::vector<Sample>& samples, const Padding& padding, int most,
                                                            std::int64_t most_positions) {
  std::vector<std::pair<std::size_t, std::size_t>> runs;
  for (std::size_t start = 0; start < samples.size();) {
    const std::int64_t length = positions(samples[start], padding);
    const auto rows = most_positions > 0 && length > 0 ? std::max<std::int64_t>(1, most_positions / length) : most;
    std::size_t end = start + 1;
    while (end < samples.size() && end - start < static_cast<std::size_t>(rows) && same_shapes(samples[start], samples[end])) ++end;
    runs.emplace_back(start, end);
    start = end;
  }
  return runs;
}

std::vector<Batch> pieces_of(std::vector<Sample> samples, const Padding& padding, std::size_t most, std::int64_t cost) {
  std::ranges::stable_sort(samples, std::greater<>(), [&](const Sample& sample) { return positions(sample, padding); });
  auto runs = equal_runs(samples, padding, static_cast<int>(most));
  if (cost > 0) runs = joined(runs, samples, padding, most, cost);
  std::vector<Batch> pieces;
  for (const auto& [start, end] : runs) pieces.push_back(collate(std::span(samples).subspan(start, end - start), padding));
  return pieces;
}

std::vector<std::int64_t> record_lengths(const Data& data, const Preprocess& preprocess, const LoaderOptions& options) {
  const Padding padding = preprocess.padding();
  std::vector<std::int64_t> lengths(data.size(), 0);
  if (padding.values.empty()) return lengths;
  parallel_for(data.size(), options.threads + 1, [&](std::size_t index) {
    if (options.stop.stop_requested()) return;
    Rng rng(options.seed, options.epoch, index);
    try {
      for (const Sample& sample : samples_of(data, index, preprocess, {}, rng, options.mode))
        lengths[index] = std::max(lengths[index], positions(sample, padding));
    } catch (const Error&) {
      if (options.on_error == OnError::Fail) throw;
    }
  });
  return lengths;
}

}  // namespace graft::data
