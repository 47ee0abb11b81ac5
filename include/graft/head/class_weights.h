#pragma once

#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/dataset.h"

namespace graft::head {

/// Class weights that let each label count as much as any other, however rare it is: n / (C n_c) for n records, n_c of them of label c, and
/// C labels, in their order (scikit-learn's class_weight="balanced"). Over the records they have the mean 1. For
/// ClassifierOptions::class_weights, from the training data. Throws DataError that names the labels without a record, or a record whose
/// label is not among them.
GRAFT_API std::vector<double> balanced_weights(const Data& data, const std::string& field, const std::vector<std::string>& labels);

}  // namespace graft::head
