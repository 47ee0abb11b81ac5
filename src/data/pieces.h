#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "graft/data/loader.h"

namespace graft::data {

/// Of a sample along the dimension that padding would fill up; 0 for samples that have none, such as pictures.
std::int64_t positions(const Sample& sample, const Padding& padding);

/// Half-open ranges of samples of equal shapes, with at most `most` samples or, where that is above 0, `most_positions` positions.
std::vector<std::pair<std::size_t, std::size_t>> equal_runs(const std::vector<Sample>& samples, const Padding& padding, int most,
                                                            std::int64_t most_positions = 0);

/// Samples as batches with at most `most` rows, longest first. With a cost of 0 they are of equal shapes, and nothing is padded; else those
/// runs of equal shapes share a batch that make the sum of all positions, filled up ones included, and of `cost` for each batch the least.
std::vector<Batch> pieces_of(std::vector<Sample> samples, const Padding& padding, std::size_t most, std::int64_t cost = 0);

/// The length of each record's longest sample; all 0 where nothing is padded. Records that cannot be prepared have 0 with OnError::Skip.
std::vector<std::int64_t> record_lengths(const Data& data, const Preprocess& preprocess, const LoaderOptions& options);

}  // namespace graft::data
