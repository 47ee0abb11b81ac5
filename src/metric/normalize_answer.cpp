#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "graft/metric/squad.h"

namespace graft::metric {
namespace {

constexpr char32_t kSigma = 0x3A3, kSmallSigma = 0x3C3, kFinalSigma = 0x3C2;
constexpr char32_t kDottedI = 0x130, kDotAbove = 0x307;

auto category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }
char32_t lower_case(char32_t c) { return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))); }

/// Bytes that are no UTF-8 become U+FFFD.
std::u32string decoded(std::string_view text) {
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  std::u32string characters;
  for (std::size_t at = 0; at < text.size();) {
    utf8proc_int32_t c = 0;
    const auto size = utf8proc_iterate(bytes + at, static_cast<utf8proc_ssize_t>(text.size() - at), &c);
    characters.push_back(size > 0 ? static_cast<char32_t>(c) : 0xFFFD);
    at += static_cast<std::size_t>(std::max<utf8proc_ssize_t>(size, 1));
  }
  return characters;
}

void append(std::string& text, char32_t c) {
  std::array<utf8proc_uint8_t, 4> bytes{};
  const auto size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(c), bytes.data());
  text.append(bytes.begin(), bytes.begin() + size);
}

/// Unicode's Cased, but for the letters in squares of U+1F130 to U+1F189.
bool is_cased(char32_t c) {
  const auto kind = category(c);
  const auto code = static_cast<utf8proc_int32_t>(c);
  return (kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LT) || c == U'ª' || c == U'º' || utf8proc_tolower(code) != code ||
         utf8proc_toupper(code) != code;
}

/// Unicode's Case_Ignorable: marks, format characters, modifiers, and punctuation that stands within words.
bool is_case_ignorable(char32_t c) {
  constexpr std::u32string_view within_words = U"'.:·\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52\uFE55\uFF07\uFF0E\uFF1A";
  switch (category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return within_words.find(c) != std::u32string_view::npos;
  }
}

/// Unicode's Final_Sigma: a cased letter comes before and none after, whatever is ignorable between.
bool is_final_sigma(const std::u32string& text, std::size_t at) {
  const auto cased_first = [](auto from, auto to) {
    const auto found = std::find_if_not(from, to, is_case_ignorable);
    return found != to && is_cased(*found);
  };
  const auto here = text.begin() + static_cast<std::ptrdiff_t>(at);
  return cased_first(std::make_reverse_iterator(here), text.rend()) && !cased_first(here + 1, text.end());
}

/// As Python's str.lower().
std::u32string lowered(const std::u32string& text) {
  std::u32string lower;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == kSigma) {
      lower.push_back(is_final_sigma(text, i) ? kFinalSigma : kSmallSigma);
    } else if (text[i] == kDottedI) {
      lower.append({U'i', kDotAbove});
    } else {
      lower.push_back(lower_case(text[i]));
    }
  }
  return lower;
}

bool is_ascii_punctuation(char32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

/// As Python's str.isspace().
bool is_space(char32_t c) {
  constexpr std::u32string_view others = U"\u0085\u00A0\u1680\u2028\u2029\u202F\u205F\u3000";
  return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F) || (c >= 0x2000 && c <= 0x200A) ||
         others.find(c) != std::u32string_view::npos;
}

/// What \w of Python's re matches, but for the underscore, which is punctuation: letters and numbers.
bool is_word(char32_t c) {
  const auto kind = category(c);
  return (kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO) || (kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO);
}

bool is_article(std::u32string_view word) { return word == U"a" || word == U"an" || word == U"the"; }

}  // namespace

std::string normalize_answer(std::string_view answer) {
  std::u32string text = lowered(decoded(answer));
  std::erase_if(text, is_ascii_punctuation);
  std::string normalized;
  bool is_apart = false;
  for (auto at = text.begin(); at != text.end();) {
    // A whole word at once, to see whether it is an article; what is neither word nor space stays with its neighbours.
    const auto end = is_word(*at) ? std::find_if_not(at, text.end(), is_word) : at + 1;
    if (is_space(*at) || is_article({at, end})) {
      is_apart = true;
    } else {
      if (is_apart && !normalized.empty()) normalized.push_back(' ');
      is_apart = false;
      std::for_each(at, end, [&](char32_t c) { append(normalized, c); });
    }
    at = end;
  }
  return normalized;
}

}  // namespace graft::metric
