#include "text/added_tokens.h"

#include <algorithm>
#include <utility>

namespace graft::text::detail {

AddedTokens::AddedTokens(std::vector<Literal> tokens) : tokens_(std::move(tokens)) {
  std::erase_if(tokens_, [](const Literal& token) { return token.text.empty(); });
  for (const Literal& token : tokens_) {
    bool& is_start = is_start_[static_cast<unsigned char>(token.text.front())];
    if (!is_start) starts_ += token.text.front();
    is_start = true;
  }
}

std::size_t AddedTokens::next_start(std::string_view text, std::size_t at, std::size_t end) const {
  if (starts_.size() <= 1) return starts_.empty() ? end : std::min(end, text.find(starts_.front(), at));
  while (at < end && !is_start_[static_cast<unsigned char>(text[at])]) ++at;
  return at;
}

const Literal* AddedTokens::at(std::string_view text) const {
  const Literal* best = nullptr;
  for (const Literal& token : tokens_) {
    if ((best == nullptr || token.text.size() > best->text.size()) && text.starts_with(token.text)) best = &token;
  }
  return best;
}

void AddedTokens::split(std::string_view text, Span part, const Between& between, const Found& found) const {
  text = text.substr(0, part.end);
  std::size_t done = part.begin;
  for (std::size_t at = part.begin; (at = next_start(text, at, part.end)) < part.end;) {
    const Literal* token = this->at(text.substr(at));
    if (token == nullptr) {
      ++at;
      continue;
    }
    Span place{at, at + token->text.size()};
    if (token->strips_left) place.begin = spaces_before(text, done, place.begin);
    if (token->strips_right) place.end = spaces_after(text, place.end, part.end);
    if (done < place.begin) between({done, place.begin});
    found(token->id, place);
    at = done = place.end;
  }
  if (done < part.end) between({done, part.end});
}

bool is_space(std::int32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
         c == 0x205F || c == 0x3000;
}

std::size_t spaces_before(std::string_view text, std::size_t begin, std::size_t end) {
  std::int32_t character = 0;
  while (end > begin) {
    const std::size_t before = backward(text, end, 1, begin);
    if (decode(text, before, character) == 0 || !is_space(character)) break;
    end = before;
  }
  return end;
}

std::size_t spaces_after(std::string_view text, std::size_t begin, std::size_t end) {
  std::int32_t character = 0;
  while (begin < end) {
    const std::size_t size = decode(text, begin, character);
    if (size == 0 || !is_space(character)) break;
    begin += size;
  }
  return begin;
}

}  // namespace graft::text::detail
