#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace graft::text::detail {

/// Byte-level vocabularies write a byte as a character: those that can be seen in Latin-1 as themselves, the others as U+0100, U+0101, ...
/// in their order; a space is "Ġ" (Radford et al., 2019).
std::string spelled(std::string_view bytes);
/// The bytes that a token stands for; nothing if one of its characters stands for none.
std::optional<std::string> bytes_of(std::string_view spelling);

/// Where the word that begins at `begin` of `text`, which is UTF-8, ends by GPT-2's pattern: contractions; runs of letters, of numbers, and
/// of what is neither, each with one space before it; runs of white space, without their last character where a word follows them.
std::size_t word_end(std::string_view text, std::size_t begin);

}  // namespace graft::text::detail
