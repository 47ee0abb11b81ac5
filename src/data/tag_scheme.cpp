#include "data/tag_scheme.h"

namespace graft::data {
namespace {

bool is_part(const Tag& tag, std::string_view parts) { return parts.find(tag.part) != std::string_view::npos; }

/// Both are of one entity.
bool continues(const Tag& before, const Tag& tag) { return is_part(before, "BI") && is_part(tag, "IE") && before.label == tag.label; }

Tag before(std::span<const Tag> sentence, std::size_t index) { return index == 0 ? Tag() : sentence[index - 1]; }

}  // namespace

std::string Tag::text() const {
  if (part == plain) return std::string(label);
  return label.empty() ? std::string(1, part) : std::string(1, part) + "-" + std::string(label);
}

std::optional<Tag> parse_tag(std::string_view text) {
  if (text == "O") return Tag();
  constexpr std::string_view parts = "BIESLU", meanings = "BIESES";
  const std::size_t known = text.empty() ? std::string_view::npos : parts.find(text.front());
  if (known == std::string_view::npos || (text.size() > 1 && text[1] != '-') || text.size() == 2) return {};
  return Tag{meanings[known], text.substr(text.size() > 2 ? 2 : 1)};
}

void TagScheme::show(std::span<const Tag> sentence) {
  for (std::size_t i = 0; i < sentence.size(); ++i) {
    const Tag last = before(sentence, i), tag = sentence[i];
    has_ends_ |= tag.part == 'E';
    has_singles_ |= tag.part == 'S';
    // BIO1 has no B- but between neighbours of one kind.
    begins_anew_ |= tag.part == 'B' && !(is_part(last, "BI") && last.label == tag.label);
  }
}

void TagScheme::to_bio2(std::span<Tag> sentence, const std::function<void(std::size_t, const std::string&)>& mended) const {
  const bool is_bio1 = !has_ends_ && !has_singles_ && !begins_anew_;
  Tag last;
  for (std::size_t i = 0; i < sentence.size(); ++i) {
    const Tag tag = sentence[i];
    const bool is_inner = is_part(tag, "IE");
    if (is_inner && !is_bio1 && !continues(last, tag)) mended(i, tag.text() + " after " + last.text());
    const bool ends_here = i + 1 == sentence.size() || !continues(tag, sentence[i + 1]);
    if (has_ends_ && is_part(tag, "BI") && ends_here) mended(i, tag.text() + " that no E- ends");
    if (tag.part != 'O') sentence[i].part = is_inner && continues(last, tag) ? 'I' : 'B';
    last = tag;
  }
}

}  // namespace graft::data
