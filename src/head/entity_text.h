#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graft/data/decoded.h"

namespace graft::head {

/// Bytes of a text, [begin, end).
using Bytes = std::pair<std::size_t, std::size_t>;

/// True for "O", "B-..." and "I-...".
bool is_bio(const std::string& tag);

/// The entities that BIO tags mark among the words at these bytes of a text, with the mean of the words' scores; `scores` may be empty.
std::vector<TextSpan> spans_of_tags(std::span<const std::string> tags, std::span<const Bytes> words, std::span<const double> scores,
                                    std::string_view text);

/// Each word with its label, where labels are no BIO.
std::vector<TextSpan> spans_of_words(std::span<const std::string> labels, std::span<const Bytes> words, std::span<const double> scores,
                                     std::string_view text);

/// The words at these bytes, first to last, that an entity touches, as its bounds: "Ada " is "Ada". One that touches none stays as it is.
TextSpan widened(TextSpan entity, std::span<const Bytes> words, std::string_view text);

/// BIO tags for words: those that an entity touches belong to it. Words that are not known have no bytes, {0, 0}.
std::vector<std::string> tags_of_spans(std::span<const TextSpan> entities, std::span<const Bytes> words);

/// "Thames [location], John Smith [person]"
std::string text_of(std::span<const TextSpan> entities);

}  // namespace graft::head
