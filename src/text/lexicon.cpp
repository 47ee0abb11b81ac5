#include "text/lexicon.h"

#include <utility>

#include "graft/core/error.h"
#include "text/utf8.h"

namespace graft::text::detail {

Lexicon::Lexicon(std::string owner, std::vector<std::string> tokens, const std::string& place)
    : owner_(std::move(owner)), tokens_(std::move(tokens)) {
  ids_.reserve(tokens_.size());
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const auto id = static_cast<std::int64_t>(i);
    if (!is_utf8(tokens_[i])) {
      throw DataError({.code = "graft-D401",
                       .message = "[" + owner_ + "] tokens must be UTF-8, token " + std::to_string(id) + " is not.",
                       .remedy = "Save the vocabulary as UTF-8.",
                       .place = place});
    }
    const auto [first, is_new] = ids_.emplace(tokens_[i], id);
    if (is_new) continue;
    throw DataError({.code = "graft-D402",
                     .message = "[" + owner_ + "] a token must stand once, \"" + tokens_[i] + "\" is token " +
                                std::to_string(first->second) + " and token " + std::to_string(id) + ".",
                     .remedy = "Give the vocabulary as it came with the model.",
                     .place = place});
  }
}

std::optional<std::int64_t> Lexicon::find(std::string_view token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

std::int64_t Lexicon::id(std::string_view token) const {
  if (const auto id = find(token)) return *id;
  throw DataError({.code = "graft-D404",
                   .message = "[" + owner_ + "] a token of the vocabulary was expected, got \"" + std::string(token) + "\".",
                   .remedy = "Use encode() for text that is not one token.",
                   .place = ""});
}

const std::string& Lexicon::token(std::int64_t id) const {
  if (id >= 0 && id < std::ssize(tokens_)) return tokens_[static_cast<std::size_t>(id)];
  throw DataError({.code = "graft-D405",
                   .message = "[" + owner_ + "] an id in [0, " + std::to_string(size()) + ") was expected, got " + std::to_string(id) + ".",
                   .remedy = "Use the vocabulary of the model that the ids are from.",
                   .place = ""});
}

}  // namespace graft::text::detail
