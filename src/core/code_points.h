#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace graft {

/// Where the characters (code points) of a UTF-8 text begin, for files whose offsets count them. The text must be UTF-8.
class CodePoints {
 public:
  explicit CodePoints(std::string_view text);
  /// Number of characters.
  std::int64_t size() const { return begins_.empty() ? bytes_ : static_cast<std::int64_t>(begins_.size()) - 1; }
  /// The byte at which a character begins, for `size()` the one after the last; nothing for other numbers.
  std::optional<std::int64_t> byte_of(std::int64_t character) const;
  /// The character that begins at this byte, or the first after it.
  std::int64_t at_byte(std::int64_t byte) const;

 private:
  std::int64_t bytes_;
  /// Of each character, and the end; empty where all are of one byte.
  std::vector<std::int64_t> begins_;
};

}  // namespace graft
