#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace graft::data {

/// The words of a text as byte offsets [begin, end): what stands between spaces, less the punctuation around it, each mark of which is a
/// word of its own. What is inside a word stays ("U.S", "don't", "3.5"), and so do @ and # before one. Each Chinese character is a
/// word.
std::vector<std::pair<std::size_t, std::size_t>> word_spans(std::string_view text);

}  // namespace graft::data
