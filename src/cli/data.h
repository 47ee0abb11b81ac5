#pragma once

#include <string>
#include <vector>

#include "graft/data/dataset.h"
#include "graft/model/model.h"

namespace graft::cli {

/// The program's own choice of process-wide settings: freed memory is kept.
void start_runtime(int threads);

/// A file of records that have these columns. Throws DataError for an unknown ending or a missing column.
Data open_data(const std::string& path, const std::vector<std::string>& columns);

/// The columns that a saved model reads: its texts and its label.
std::vector<std::string> columns_of(const Model& model);

}  // namespace graft::cli
