#include "data/word_spans.h"

#include <utf8proc.h>

#include <algorithm>

namespace graft::data {
namespace {

struct Character {
  std::size_t begin, end;
  bool is_space, is_word, is_sign, is_ideograph;
};

/// Chinese, written without spaces: what BERT's tokenizers too take for words of their own.
bool is_ideograph(utf8proc_int32_t code) {
  return (code >= 0x3400 && code <= 0x4DBF) || (code >= 0x4E00 && code <= 0x9FFF) || (code >= 0xF900 && code <= 0xFAFF) ||
         (code >= 0x20000 && code <= 0x3FFFF);
}

/// The character at `at`; a byte that is no UTF-8 is one of its own.
Character character(std::string_view text, std::size_t at) {
  utf8proc_int32_t code = 0;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at;
  const auto size = std::max<utf8proc_ssize_t>(1, utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - at), &code));
  const utf8proc_category_t category = utf8proc_category(code);
  const bool is_space = code == '\t' || code == '\n' || code == '\r' || category == UTF8PROC_CATEGORY_ZS ||
                        category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
  const bool is_mark = (category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO) ||
                       (category >= UTF8PROC_CATEGORY_SM && category <= UTF8PROC_CATEGORY_SO);
  return {at,
          at + static_cast<std::size_t>(size),
          is_space,
          !is_space && (!is_mark || code == '_'),
          code == '@' || code == '#',
          is_ideograph(code)};
}

}  // namespace

std::vector<std::pair<std::size_t, std::size_t>> word_spans(std::string_view text) {
  std::vector<std::pair<std::size_t, std::size_t>> words;
  std::vector<Character> chunk;
  const auto close = [&] {
    const auto first = std::ranges::find(chunk, true, &Character::is_word);
    auto last = chunk.end();
    while (last != first && !std::prev(last)->is_word) --last;
    auto begin = first;
    if (first != last && begin != chunk.begin() && std::prev(begin)->is_sign) --begin;
    for (auto mark = chunk.begin(); mark != begin; ++mark) words.emplace_back(mark->begin, mark->end);
    if (first != last) words.emplace_back(begin->begin, std::prev(last)->end);
    for (auto mark = last; mark != chunk.end() && first != last; ++mark) words.emplace_back(mark->begin, mark->end);
    chunk.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    const Character next = character(text, at);
    if (next.is_space || next.is_ideograph) {
      close();
      if (next.is_ideograph) words.emplace_back(next.begin, next.end);
    } else {
      chunk.push_back(next);
    }
    at = next.end;
  }
  close();
  return words;
}

}  // namespace graft::data
