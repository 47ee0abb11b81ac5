#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "graft/head/head.h"

namespace graft::head {

/// Labels and their places among the scores.
using LabelIndex = std::map<std::string, std::int64_t>;
LabelIndex index_of(const std::vector<std::string>& labels);

/// The place of a label. Throws DataError that names near labels if it is not there; `who` begins its text, `place` is the record's.
std::int64_t place_of(const std::string& label, const LabelIndex& index, const std::vector<std::string>& labels, const std::string& who,
                      const std::string& place);

/// A record's tensor [C] of one share a label, floating; undefined if the field holds something else. Throws DataError for another length.
at::Tensor shares_of(const Record& record, const std::string& field, std::size_t num_labels, const std::string& who);

/// Answers with the `most` best labels of each row of `probabilities` [N, C] in `top`: one at least, and no more than there are.
std::vector<Decoded> best_labels(const at::Tensor& probabilities, const std::vector<std::string>& labels, std::int64_t most);

}  // namespace graft::head
