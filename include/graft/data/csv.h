#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/dataset.h"

namespace graft::data {

struct CsvOptions {
  /// Between fields; unset: a tab for .tsv files, else a comma.
  std::optional<char> delimiter = {};
  /// Columns that every row must have; checked when the file is opened, so that a misspelt name is told with the names there are.
  std::vector<std::string> require = {};
};

/// A CSV or TSV file with a header line, by RFC 4180: quoted fields may hold delimiters, quotes (doubled) and line ends; LF, CRLF and a
/// byte-order mark are taken. The file is mapped and checked whole when it is opened; rows are parsed when they are read.
/// Every value is text. Throws DataError with the line for broken quoting, a row of another width, NUL bytes and text that is not UTF-8.
GRAFT_API Data csv(const std::string& path, const CsvOptions& options = {});

/// A field as CSV writes it: quoted where it must be.
GRAFT_API std::string csv_field(const std::string& text, char delimiter = ',');

}  // namespace graft::data
