#include "text/normalize.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

namespace graft::text::detail {
namespace {

using CodePoint = utf8proc_int32_t;

enum class Kind : std::uint8_t { Letter, Space, Punctuation, Dropped };

struct Range {
  CodePoint first;
  CodePoint last;
};

// Hugging Face's `tokenizers` has the categories of Unicode 8.0, and models were trained on what it makes of a text.  The characters in
// these ranges came later (letters, or free in 8.0, fill the gaps between them), so it takes their marks, punctuation and format
// characters for letters.
constexpr Range kAfterUnicode8[] = {{0x61D, 0x61D},     {0x7FD, 0x7FD},     {0x890, 0x8E2},     {0x9FD, 0x9FE},     {0xA76, 0xA76},
                                    {0xAFA, 0xAFF},     {0xB55, 0xB55},     {0xC04, 0xC3C},     {0xC77, 0xC77},     {0xC84, 0xC84},
                                    {0xD00, 0xD00},     {0xD3B, 0xD3C},     {0xD81, 0xD81},     {0xEBA, 0xEBA},     {0xECE, 0xECE},
                                    {0x180F, 0x1886},   {0x1ABF, 0x1ACE},   {0x1B7D, 0x1B7E},   {0x1DF6, 0x1DFB},   {0x2E43, 0x2E5D},
                                    {0xA82C, 0xA82C},   {0xA8C5, 0xA8C5},   {0xA8FF, 0xA8FF},   {0xA9BD, 0xA9BD},   {0x10D24, 0x10F89},
                                    {0x11070, 0x11074}, {0x110C2, 0x110CD}, {0x111CF, 0x111CF}, {0x1123E, 0x11241}, {0x1133B, 0x1133B},
                                    {0x11438, 0x1145E}, {0x11660, 0x1166C}, {0x116B9, 0x116B9}, {0x1182F, 0x11FFF}, {0x12FF1, 0x13455},
                                    {0x16E97, 0x16F4F}, {0x16FE2, 0x16FE4}, {0x1CF00, 0x1CF46}, {0x1E000, 0x1E4EF}, {0x1E944, 0x1E95F}};

// The blocks that `tokenizers` takes for Chinese; its Extension E begins at U+2B920 where Unicode's begins at U+2B820.
constexpr Range kChinese[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},   {0x20000, 0x2A6DF},
                              {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F}};

template <std::size_t N>
bool contains(const Range (&ranges)[N], CodePoint c) {
  const auto after = std::upper_bound(std::begin(ranges), std::end(ranges), c, [](CodePoint x, const Range& r) { return x < r.first; });
  return after != std::begin(ranges) && c <= std::prev(after)->last;
}

constexpr bool is_ascii(CodePoint c) { return c < 0x80; }

constexpr std::array<Kind, 0x80> ascii_kinds() {
  std::array<Kind, 0x80> kinds{};
  for (std::size_t c = 0; c < kinds.size(); ++c) {
    const bool is_letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
      kinds[c] = Kind::Space;
    else if (c < ' ' || c == 0x7F)
      kinds[c] = Kind::Dropped;
    else
      kinds[c] = is_letter ? Kind::Letter : Kind::Punctuation;
  }
  return kinds;
}

constexpr std::array<Kind, 0x80> kAsciiKinds = ascii_kinds();

bool is_mark(CodePoint c) {
  constexpr CodePoint kPamudpod = 0x1734;  // a nonspacing mark until Unicode 14
  return c == kPamudpod || (utf8proc_category(c) == UTF8PROC_CATEGORY_MN && !contains(kAfterUnicode8, c) && c != 0x111C9);
}

Kind kind_of(CodePoint c) {
  if (is_ascii(c)) return kAsciiKinds[static_cast<std::size_t>(c)];
  if (c == 0xFFFD) return Kind::Dropped;
  if (c == 0x166D || c == 0x111C9) return Kind::Punctuation;  // until Unicode 12 and 11
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return Kind::Space;
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CO:
      return Kind::Dropped;
    case UTF8PROC_CATEGORY_CF:
      return contains(kAfterUnicode8, c) ? Kind::Letter : Kind::Dropped;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return contains(kAfterUnicode8, c) ? Kind::Letter : Kind::Punctuation;
    default:
      return Kind::Letter;
  }
}

/// Spells the words of a text, character by character.
class Splitter {
 public:
  Splitter(const CleanUpOptions& options, const WordSink& sink) : options_(options), sink_(sink) {}

  void take(CodePoint c, Span place) {
    switch (kind_of(c)) {
      case Kind::Dropped:
        return;
      case Kind::Space:
        return end_word();
      default:
        break;
    }
    if (is_ascii(c)) return add(c, place);
    const bool is_word = options_.split_cjk && contains(kChinese, c);
    if (is_word) end_word();
    if (options_.strip_accents) {
      decompose(c, place);
    } else {
      add(c, place);
    }
    if (is_word) end_word();
  }

  void end_word() {
    if (!word_.empty()) sink_(word_, places_);
    word_.clear();
    places_.clear();
  }

 private:
  // The canonical decomposition, but for the order of the marks on a letter: most are about to be dropped, and a word with several that
  // stay, such as U+302E, is unknown in any order.  (`tokenizers` sorts them and leaves the offsets where they were.)
  void decompose(CodePoint c, Span place) {
    std::array<CodePoint, 32> parts{};  // the longest has four
    int boundary = 0;
    const auto num_parts = utf8proc_decompose_char(c, parts.data(), parts.size(), UTF8PROC_DECOMPOSE, &boundary);
    for (std::ptrdiff_t i = 0; i < num_parts; ++i) add(parts[static_cast<std::size_t>(i)], place);
  }

  void add(CodePoint c, Span place) {
    if (is_ascii(c)) {
      if (kAsciiKinds[static_cast<std::size_t>(c)] == Kind::Punctuation) return add_punctuation(c, place);
      return append(options_.lowercase && c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c, place);
    }
    if (options_.strip_accents && is_mark(c)) return;
    if (kind_of(c) == Kind::Punctuation) return add_punctuation(c, place);
    append(options_.lowercase ? utf8proc_tolower(c) : c, place);
    // The one character whose lower case is two: a dotted capital I is an i with a dot above.
    if (options_.lowercase && c == 0x130) append(0x307, place);
  }

  void add_punctuation(CodePoint c, Span place) {
    end_word();
    append(c, place);
    end_word();
  }

  void append(CodePoint c, Span place) {
    if (is_ascii(c)) {
      word_.push_back(static_cast<char>(c));
      return places_.push_back(place);
    }
    std::array<utf8proc_uint8_t, 4> bytes{};
    const auto size = static_cast<std::size_t>(utf8proc_encode_char(c, bytes.data()));
    word_.append(bytes.begin(), bytes.begin() + size);
    places_.insert(places_.end(), size, place);
  }

  const CleanUpOptions& options_;
  const WordSink& sink_;
  std::string word_;
  std::vector<Span> places_;
};

}  // namespace

void split_words(std::string_view text, Span part, const CleanUpOptions& options, const WordSink& sink) {
  Splitter splitter(options, sink);
  for (std::size_t at = part.begin; at < part.end;) {
    CodePoint c = static_cast<unsigned char>(text[at]);
    // Where Python's bytes.decode("utf-8", "replace") puts U+FFFD, the clean-up drops it.  Python may put one for several bad bytes, but
    // each of those is bad alone too, so passing over them one by one leaves the same text.
    const std::size_t size = is_ascii(c) ? 1 : decode(text, at, c);
    if (size > 0) splitter.take(c, {at, at + size});
    at += std::max<std::size_t>(size, 1);
  }
  splitter.end_word();
}

}  // namespace graft::text::detail
