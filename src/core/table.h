#pragma once

#include <string>
#include <vector>

namespace graft {

/// Rows of text in columns: the first left-aligned, numbers right-aligned. Widths count characters, not bytes.
class Table {
 public:
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// Lines indented by two spaces.
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// A number with this many digits after the point.
std::string fixed(double value, int digits);

/// One line of at most `most` characters, with "..." where it was cut; line ends become spaces.
std::string shortened(std::string text, std::size_t most);

}  // namespace graft
