#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "graft/core/api.h"

namespace graft {

/// The order in which an epoch of this seed takes n records.
GRAFT_API std::vector<std::size_t> shuffled_order(std::size_t n, std::uint64_t seed, std::uint64_t epoch);

/// `order` cut into batches of `batch_size` in which records of like length share a batch, so that little is padded: which of them do, and
/// where the batch stands, is drawn from (seed, epoch). A batch that is not full comes last.
GRAFT_API std::vector<std::size_t> grouped_order(std::vector<std::size_t> order, std::span<const std::int64_t> lengths,
                                                 std::size_t batch_size, std::uint64_t seed, std::uint64_t epoch);

}  // namespace graft
