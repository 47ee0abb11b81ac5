#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "text/utf8.h"

namespace graft::text::detail {

/// What the clean-up does beyond dropping control characters.
struct CleanUpOptions {
  bool lowercase;
  bool strip_accents;
  bool split_cjk;
};

/// Receives a word: its UTF-8 after the clean-up, and for each byte of it the character of the original that it came from.
/// Both are valid during the call only.
using WordSink = std::function<void(std::string_view word, std::span<const Span> places)>;

/// BERT's clean-up and split into words: hands every word in `part` of `text` to `sink`, first to last.
/// White space separates words; each punctuation character, and with split_cjk each Chinese one, is a word.
void split_words(std::string_view text, Span part, const CleanUpOptions& options, const WordSink& sink);

}  // namespace graft::text::detail
