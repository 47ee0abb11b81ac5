#include "text/byte_level.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

#include "text/added_tokens.h"
#include "text/utf8.h"

namespace graft::text::detail {
namespace {

enum class Kind : std::uint8_t { Letter, Number, Space, Other };

struct Range {
  std::int32_t first;
  std::int32_t last;
};

// Letters and numbers that came with Unicode 15.1 and 16, which `tokenizers` knows and older versions of utf8proc do not.
constexpr Range kNewLetters[] = {{0x1C89, 0x1C8A},   {0xA7CB, 0xA7CD},   {0xA7DA, 0xA7DC},   {0x105C0, 0x105F3}, {0x10D4A, 0x10D65},
                                 {0x10D6F, 0x10D85}, {0x10EC2, 0x10EC4}, {0x11380, 0x11389}, {0x1138B, 0x1138B}, {0x1138E, 0x1138E},
                                 {0x11390, 0x113B5}, {0x113B7, 0x113B7}, {0x113D1, 0x113D1}, {0x113D3, 0x113D3}, {0x11BC0, 0x11BE0},
                                 {0x13460, 0x143FA}, {0x16100, 0x1611D}, {0x16D40, 0x16D6C}, {0x18CFF, 0x18CFF}, {0x1E5D0, 0x1E5ED},
                                 {0x1E5F0, 0x1E5F0}, {0x2EBF0, 0x2EE5D}};
constexpr Range kNewNumbers[] = {{0x10D40, 0x10D49}, {0x116D0, 0x116E3}, {0x11BF0, 0x11BF9}, {0x16130, 0x16139},
                                 {0x16D70, 0x16D79}, {0x1CCF0, 0x1CCF9}, {0x1E5F1, 0x1E5FA}};

template <std::size_t N>
bool contains(const Range (&ranges)[N], std::int32_t c) {
  return std::ranges::any_of(ranges, [&](const Range& range) { return c >= range.first && c <= range.last; });
}

Kind kind_of_new(std::int32_t c) {
  if (contains(kNewNumbers, c)) return Kind::Number;
  return contains(kNewLetters, c) ? Kind::Letter : Kind::Other;
}

Kind kind_of(std::int32_t c) {
  if (is_space(c)) return Kind::Space;
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return Kind::Letter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return Kind::Number;
    case UTF8PROC_CATEGORY_CN:
      return kind_of_new(c);
    default:
      return Kind::Other;
  }
}

std::array<Kind, 0x80> ascii_kinds() {
  std::array<Kind, 0x80> kinds{};
  for (std::size_t c = 0; c < kinds.size(); ++c) kinds[c] = kind_of(static_cast<std::int32_t>(c));
  return kinds;
}

struct Character {
  Kind kind;
  std::size_t size;
};

Character character_at(std::string_view text, std::size_t at) {
  static const std::array<Kind, 0x80> ascii = ascii_kinds();
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) return {ascii[byte], 1};
  std::int32_t character = 0;
  const std::size_t size = decode(text, at, character);
  return {kind_of(character), size};
}

/// Bytes of what follows the apostrophe of a contraction; 0 if none follows.
std::size_t contraction(std::string_view text) {
  for (const std::string_view end : {"s", "t", "re", "ve", "m", "ll", "d"}) {
    if (text.starts_with(end)) return end.size();
  }
  return 0;
}

std::size_t spaces_end(std::string_view text, std::size_t begin) {
  std::size_t last = begin, end = begin;
  while (end < text.size()) {
    const Character character = character_at(text, end);
    if (character.kind != Kind::Space) break;
    last = end;
    end += character.size;
  }
  return end == text.size() || last == begin ? end : last;
}

bool is_seen(std::size_t byte) { return (byte > 0x20 && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD); }

constexpr std::size_t num_unseen = 68;

/// The characters for all bytes.
const std::array<std::int32_t, 256>& characters() {
  static const auto all = [] {
    std::array<std::int32_t, 256> made{};
    std::int32_t next = 0x100;
    for (std::size_t byte = 0; byte < made.size(); ++byte) made[byte] = is_seen(byte) ? static_cast<std::int32_t>(byte) : next++;
    return made;
  }();
  return all;
}

}  // namespace

std::string spelled(std::string_view bytes) {
  std::string spelling;
  for (const char byte : bytes) {
    std::array<utf8proc_uint8_t, 4> encoded{};
    const auto size = utf8proc_encode_char(characters()[static_cast<unsigned char>(byte)], encoded.data());
    spelling.append(encoded.begin(), encoded.begin() + size);
  }
  return spelling;
}

std::optional<std::string> bytes_of(std::string_view spelling) {
  static const auto bytes = [] {
    std::array<std::int16_t, 0x100 + num_unseen> made{};
    made.fill(-1);
    for (std::size_t byte = 0; byte < 256; ++byte) made[static_cast<std::size_t>(characters()[byte])] = static_cast<std::int16_t>(byte);
    return made;
  }();
  std::string found;
  std::int32_t character = 0;
  for (std::size_t at = 0; at < spelling.size();) {
    const std::size_t size = decode(spelling, at, character);
    if (size == 0 || character >= std::ssize(bytes) || bytes[static_cast<std::size_t>(character)] < 0) return std::nullopt;
    found += static_cast<char>(bytes[static_cast<std::size_t>(character)]);
    at += size;
  }
  return found;
}

std::size_t word_end(std::string_view text, std::size_t begin) {
  if (text[begin] == '\'') {
    if (const std::size_t size = contraction(text.substr(begin + 1)); size > 0) return begin + 1 + size;
  }
  std::size_t at = begin;
  if (text[begin] == ' ' && begin + 1 < text.size()) ++at;
  Character character = character_at(text, at);
  if (character.kind == Kind::Space) return spaces_end(text, begin);
  const Kind kind = character.kind;
  do at += character.size;
  while (at < text.size() && (character = character_at(text, at)).kind == kind);
  return at;
}

}  // namespace graft::text::detail
