#include "data/file_checks.h"

#include <utf8proc.h>

#include <algorithm>

#include "core/names.h"

namespace graft::data {

void require_clean_utf8(std::string_view text, const std::string& place, const std::string& who) {
  const auto line_of = [&](std::size_t position) {
    return place + ":" + std::to_string(1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(position), '\n'));
  };
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    throw DataError({.code = "graft-D007",
                     .message = "[" + who + "] text is wanted, got a NUL byte.",
                     .remedy = "Save the file as UTF-8 text; UTF-16 files hold NUL bytes.",
                     .place = line_of(nul)});
  }
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  for (std::size_t i = 0; i < text.size();) {
    if (bytes[i] < 0x80) {
      ++i;
      continue;
    }
    utf8proc_int32_t codepoint = 0;
    const auto length = utf8proc_iterate(bytes + i, static_cast<utf8proc_ssize_t>(text.size() - i), &codepoint);
    if (length < 1) {
      throw DataError({.code = "graft-D008",
                       .message = "[" + who + "] UTF-8 is wanted, got a byte that does not belong to it.",
                       .remedy = "Mend the line; or, if the whole file is in another encoding, convert it: iconv -f latin1 -t utf-8.",
                       .place = line_of(i)});
    }
    i += static_cast<std::size_t>(length);
  }
}

std::vector<Problem> missing_columns(const std::vector<std::string>& required, const std::vector<std::string>& columns,
                                     const std::string& place, const std::string& who) {
  std::vector<Problem> problems;
  for (const std::string& column : required) {
    if (std::ranges::find(columns, column) != columns.end()) continue;
    problems.push_back({"graft-D012", "[" + who + "] a column \"" + column + "\" is wanted; the file has: " + quoted_list(columns) + ".",
                        did_you_mean(column, columns, "Name the columns with --text and --label, or rename them in the file."), place});
  }
  return problems;
}

void refuse_empty(const std::string& wanted, const std::string& place, const std::string& who) {
  throw DataError(
      {.code = "graft-D010", .message = "[" + who + "] " + wanted + ".", .remedy = "Check that this is the right file.", .place = place});
}

}  // namespace graft::data
