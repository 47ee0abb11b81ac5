#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace graft::text::detail {

/// A stretch of bytes of the original text, [begin, end).
struct Span {
  std::size_t begin;
  std::size_t end;
};

/// The character at `text[at]` and its size in bytes; the size is 0 where no valid UTF-8 begins.
std::size_t decode(std::string_view text, std::size_t at, std::int32_t& character);

/// True if all of `text` is UTF-8.
bool is_utf8(std::string_view text);

inline bool goes_on(char byte) { return (byte & 0xC0) == 0x80; }

/// `at` moved by `count` characters of valid UTF-8, at most to `limit`.
std::size_t forward(std::string_view text, std::size_t at, std::size_t count, std::size_t limit);
std::size_t backward(std::string_view text, std::size_t at, std::size_t count, std::size_t limit);

/// A text that is UTF-8, with U+FFFD where Python's bytes.decode("utf-8", "replace") puts it, and for each of its bytes what it stands for.
struct Mended {
  std::string text;
  std::vector<Span> places;
};
Mended mended(std::string_view text);

}  // namespace graft::text::detail
