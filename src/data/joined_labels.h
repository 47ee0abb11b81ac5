#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace graft::data {

/// The labels in a text between separators, without the spaces around them; empty parts are passed over.
inline std::vector<std::string> separated_labels(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    const std::string_view part = text.substr(0, end);
    const std::size_t first = part.find_first_not_of(' ');
    if (first != part.npos) parts.emplace_back(part.substr(first, part.find_last_not_of(' ') + 1 - first));
    text = end == text.npos ? std::string_view() : text.substr(end + separator.size());
  }
  return parts;
}

}  // namespace graft::data
