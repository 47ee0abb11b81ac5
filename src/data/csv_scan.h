#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace graft::data {

/// Reads the rows of a CSV text one after the other.
class CsvScanner {
 public:
  CsvScanner(std::string_view text, char delimiter, std::string place) : text_(text), delimiter_(delimiter), place_(std::move(place)) {}

  /// Skips lines without a character. False at the end of the text.
  bool skip_to_row();
  /// The fields of the row at the current position. Throws DataError with the line for broken quoting.
  std::vector<std::string> row();
  void move_to(std::size_t position) { position_ = position; }
  std::size_t position() const { return position_; }
  /// The line of the current position, counted from 1 at the position the scanner started at.
  std::size_t line() const { return line_; }

 private:
  std::string quoted();
  std::string plain();
  bool at_line_end() const { return text_[position_] == '\n' || text_[position_] == '\r'; }
  void pass_line_end();
  [[noreturn]] void broken(const std::string& message, const std::string& remedy, std::size_t line) const;

  std::string_view text_;
  char delimiter_;
  std::string place_;
  std::size_t position_ = 0;
  std::size_t line_ = 1;
};

}  // namespace graft::data
