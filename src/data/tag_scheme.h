#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace graft::data {

/// A tag of a word, taken apart: "B-person" is B and person.
struct Tag {
  /// O, or a word's part in an entity: B begins it, I is inside, E ends it, S is all of it. (L and U of BILOU are E and S.)
  char part = 'O';
  /// The part of a label that belongs to no scheme, such as a part of speech.
  static constexpr char plain = '=';
  std::string_view label = {};

  /// "B-person"; "B" without a label.
  std::string text() const;
};

/// Nothing for what is none. The label lies in `text`.
std::optional<Tag> parse_tag(std::string_view text);

/// How the tags of a file are meant, told from all of them: show() each sentence first.
class TagScheme {
 public:
  void show(std::span<const Tag> sentence);
  /// Changes the tags of a sentence to BIO2. Calls `mended` with the number of each tag that stands out of order, and with what is wrong.
  void to_bio2(std::span<Tag> sentence, const std::function<void(std::size_t, const std::string&)>& mended) const;

 private:
  bool has_ends_ = false, has_singles_ = false, begins_anew_ = false;
};

}  // namespace graft::data
