#pragma once

#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/dataset.h"

namespace graft::data {

struct JsonlOptions {
  /// Columns that the file must have: named by one line at least. Checked when it is opened, so that a misspelt name is told with the names
  /// there are.
  std::vector<std::string> require = {};
};

/// A file of JSON objects, one a line (JSON Lines); blank lines and a byte-order mark are passed over. Its columns are all names that its
/// lines have: what a line lacks or gives as null is an empty value of its record. Texts stay texts, integers integers, other numbers
/// doubles, true and false become 1 and 0, an array of texts a list, an array of numbers a tensor [L] of int64 or float, an empty array an
/// empty list. The file is mapped and checked whole when it is opened; lines are parsed when they are read. Throws DataError with up to 100
/// broken lines at once, and with the line for NUL bytes and text that is not UTF-8.
GRAFT_API Data jsonl(const std::string& path, const JsonlOptions& options = {});

}  // namespace graft::data
