#include "text/utf8.h"

#include <utf8proc.h>

#include <cstring>

namespace graft::text::detail {
namespace {

/// How many of the bytes at `text[at]`, where no character begins, Python replaces at once: those that could have begun one.
std::size_t num_replaced(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned lead = byte(at), second = byte(at + 1);
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80, high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (lead < 0xE0 || lead > 0xF4 || second < low || second > high) return 1;
  const bool has_third = lead >= 0xF0 && (byte(at + 2) & 0xC0) == 0x80;
  return has_third ? 3 : 2;
}

}  // namespace

std::size_t decode(std::string_view text, std::size_t at, std::int32_t& character) {
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at;
  const auto size = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - at), &character);
  return size > 0 ? static_cast<std::size_t>(size) : 0;
}

bool is_utf8(std::string_view text) {
  std::int32_t character = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::uint64_t eight = 0;
    if (text.size() - at >= sizeof eight) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if ((eight & 0x8080808080808080U) == 0) {  // ASCII
        at += sizeof eight;
        continue;
      }
    }
    const std::size_t size = static_cast<unsigned char>(text[at]) < 0x80 ? 1 : decode(text, at, character);
    if (size == 0) return false;
    at += size;
  }
  return true;
}

std::size_t forward(std::string_view text, std::size_t at, std::size_t count, std::size_t limit) {
  for (; count > 0 && at < limit; --count) {
    do ++at;
    while (at < limit && goes_on(text[at]));
  }
  return at;
}

std::size_t backward(std::string_view text, std::size_t at, std::size_t count, std::size_t limit) {
  for (; count > 0 && at > limit; --count) {
    do --at;
    while (at > limit && goes_on(text[at]));
  }
  return at;
}

Mended mended(std::string_view text) {
  Mended made;
  std::int32_t character = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t valid = decode(text, at, character), size = valid > 0 ? valid : num_replaced(text, at);
    const std::string_view part = valid > 0 ? text.substr(at, size) : "\uFFFD";
    made.text += part;
    made.places.insert(made.places.end(), part.size(), Span{at, at + size});
    at += size;
  }
  return made;
}

}  // namespace graft::text::detail
