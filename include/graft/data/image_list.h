#pragma once

#include <string>

#include "graft/core/api.h"
#include "graft/data/dataset.h"

namespace graft::data {

struct ImageListOptions {
  /// Column of the paths; empty: "image", "path", "file" or "filename", the first that there is.
  std::string column = {};
  /// Where relative paths start; empty: the folder of the list.
  std::string folder = {};
};

/// Pictures by a table: .csv, .tsv or .jsonl, as csv() and jsonl() read them. Its records, with "image" for the path of the picture. Keys
/// hold the values of a record, and size and time of its picture. Throws DataError if there is no such column and if pictures are not
/// there, which is told with their number and examples.
GRAFT_API Data image_list(const std::string& path, const ImageListOptions& options = {});

}  // namespace graft::data
