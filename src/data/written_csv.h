#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/file.h"
#include "graft/data/csv.h"

namespace graft::data {

/// A table and how it is written, for those who write it again.
struct WrittenCsv {
  Data data;
  std::vector<std::string> columns;
  std::shared_ptr<const Mapping> file;
  /// Bytes of the file at which the rows of `data` begin.
  std::vector<std::size_t> starts;

  /// As they stand in the file, without the ends of their lines.
  std::string_view header() const { return between(0, start_of(0)); }
  std::string_view row(std::size_t index) const { return between(starts[index], start_of(index + 1)); }

 private:
  std::size_t start_of(std::size_t index) const { return index < starts.size() ? starts[index] : file->bytes().size(); }
  std::string_view between(std::size_t begin, std::size_t end) const {
    std::string_view text = file->bytes().substr(begin, end - begin);
    while (text.starts_with('\n') || text.starts_with('\r')) text.remove_prefix(1);
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    return text;
  }
};

/// See csv().
WrittenCsv written_csv(const std::string& path, const CsvOptions& options = {});

}  // namespace graft::data
