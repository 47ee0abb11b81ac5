#include "head/entity_text.h"

#include <algorithm>

#include "graft/metric/entities.h"

namespace graft::head {

bool is_bio(const std::string& tag) { return tag == "O" || tag.starts_with("B-") || tag.starts_with("I-"); }

std::vector<TextSpan> spans_of_tags(std::span<const std::string> tags, std::span<const Bytes> words, std::span<const double> scores,
                                    std::string_view text) {
  std::vector<TextSpan> spans;
  for (const metric::Entity& entity : metric::entities_of(tags)) {
    const auto first = static_cast<std::size_t>(entity.begin), last = static_cast<std::size_t>(entity.end) - 1;
    if (last >= words.size()) break;
    TextSpan span{.begin = words[first].first, .end = words[last].second, .label = entity.label, .score = 1, .text = {}};
    if (!scores.empty()) {
      double sum = 0;
      for (std::size_t i = first; i <= last; ++i) sum += scores[i];
      span.score = sum / static_cast<double>(last - first + 1);
    }
    if (span.end <= text.size()) span.text = text.substr(span.begin, span.end - span.begin);
    spans.push_back(std::move(span));
  }
  return spans;
}

std::vector<TextSpan> spans_of_words(std::span<const std::string> labels, std::span<const Bytes> words, std::span<const double> scores,
                                     std::string_view text) {
  std::vector<TextSpan> spans;
  for (std::size_t i = 0; i < std::min(labels.size(), words.size()); ++i) {
    const auto [begin, end] = words[i];
    const std::string_view word = end <= text.size() ? text.substr(begin, end - begin) : std::string_view();
    spans.push_back({.begin = begin, .end = end, .label = labels[i], .score = scores.empty() ? 1 : scores[i], .text = std::string(word)});
  }
  return spans;
}

TextSpan widened(TextSpan entity, std::span<const Bytes> words, std::string_view text) {
  const auto first = std::ranges::partition_point(words, [&](const Bytes& word) { return word.second <= entity.begin; });
  const auto last = std::partition_point(first, words.end(), [&](const Bytes& word) { return word.first < entity.end; });
  if (first == last) return entity;
  entity.begin = first->first;
  entity.end = std::prev(last)->second;
  entity.text = text.substr(entity.begin, entity.end - entity.begin);
  return entity;
}

std::vector<std::string> tags_of_spans(std::span<const TextSpan> entities, std::span<const Bytes> words) {
  std::vector<std::string> tags(words.size(), "O");
  for (const TextSpan& entity : entities) {
    bool begun = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i].second <= entity.begin || words[i].first >= entity.end) continue;
      begun |= i > 0 && words[i - 1].second == 0 && entity.begin < words[i].first;
      tags[i] = (begun ? "I-" : "B-") + entity.label;
      begun = true;
    }
  }
  return tags;
}

std::string text_of(std::span<const TextSpan> entities) {
  std::string text;
  for (const TextSpan& entity : entities) text += (text.empty() ? "" : ", ") + entity.text + " [" + entity.label + "]";
  return text;
}

}  // namespace graft::head
