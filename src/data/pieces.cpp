#include "data/pieces.h"

#include <algorithm>
#include <functional>

#include "core/parallel.h"
#include "graft/core/error.h"
#include "graft/data/collate.h"

namespace graft::data {

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

std::vector<Batch> pieces_of(std::vector<Sample> samples, const Padding& padding, std::size_t most) {
  std::ranges::stable_sort(samples, std::greater<>(), [&](const Sample& sample) { return positions(sample, padding); });
  std::vector<Batch> pieces;
  for (const auto& [start, end] : equal_runs(samples, padding, static_cast<int>(most)))
    pieces.push_back(collate(std::span(samples).subspan(start, end - start), padding));
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
