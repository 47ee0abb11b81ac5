#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "text/utf8.h"

namespace graft::text::detail {

/// A token that is found wherever it stands literally in a text, before anything is made of the text.
struct Literal {
  std::string text;
  std::int64_t id;
  /// Takes the white space before it, or behind it, along.
  bool strips_left = false;
  bool strips_right = false;
};

/// Finds literal tokens: the first that begins, and of those the longest.
class AddedTokens {
 public:
  explicit AddedTokens(std::vector<Literal> tokens);
  bool is_empty() const { return tokens_.empty(); }

  using Between = std::function<void(Span)>;
  using Found = std::function<void(std::int64_t id, Span)>;
  /// Goes through `part` of `text`, which is UTF-8 where tokens strip: what lies between tokens (never empty) and the tokens, in order.
  void split(std::string_view text, Span part, const Between& between, const Found& found) const;

 private:
  std::size_t next_start(std::string_view text, std::size_t at, std::size_t end) const;
  const Literal* at(std::string_view text) const;

  std::vector<Literal> tokens_;
  /// First bytes of the tokens, as a list and by byte.
  std::string starts_;
  std::array<bool, 256> is_start_{};
};

/// White space as Unicode has it.
bool is_space(std::int32_t character);
/// Where the white space that ends at `end` begins, and where that from `begin` on ends.
std::size_t spaces_before(std::string_view text, std::size_t begin, std::size_t end);
std::size_t spaces_after(std::string_view text, std::size_t begin, std::size_t end);

}  // namespace graft::text::detail
