#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace graft::text::detail {

/// Tokens and their ids, both ways.
class Lexicon {
 public:
  /// Takes the tokens in the order of their ids; `owner` and `place` stand in errors.
  /// Throws DataError if a token stands twice or is not UTF-8.
  Lexicon(std::string owner, std::vector<std::string> tokens, const std::string& place);
  Lexicon(const Lexicon&) = delete;  // the keys point into the tokens
  Lexicon& operator=(const Lexicon&) = delete;

  std::optional<std::int64_t> find(std::string_view token) const;
  bool has(std::string_view token) const { return find(token).has_value(); }
  /// Throws DataError if there is none.
  std::int64_t id(std::string_view token) const;
  const std::string& token(std::int64_t id) const;
  const std::vector<std::string>& tokens() const { return tokens_; }
  std::size_t size() const { return tokens_.size(); }

 private:
  std::string owner_;
  std::vector<std::string> tokens_;
  std::unordered_map<std::string_view, std::int64_t> ids_;
};

}  // namespace graft::text::detail
