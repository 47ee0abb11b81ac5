#include "core/code_points.h"

#include <algorithm>

namespace graft {

CodePoints::CodePoints(std::string_view text) : bytes_(static_cast<std::int64_t>(text.size())) {
  if (std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) return;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_continuation = (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80;
    if (!is_continuation) begins_.push_back(static_cast<std::int64_t>(i));
  }
  begins_.push_back(bytes_);
}

std::optional<std::int64_t> CodePoints::byte_of(std::int64_t character) const {
  if (character < 0 || character > size()) return {};
  return begins_.empty() ? character : begins_[static_cast<std::size_t>(character)];
}

std::int64_t CodePoints::at_byte(std::int64_t byte) const {
  return begins_.empty() ? byte : std::ranges::lower_bound(begins_, byte) - begins_.begin();
}

}  // namespace graft
