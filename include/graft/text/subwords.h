#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graft/core/api.h"

namespace graft::text {

/// A piece of a text: a token of the vocabulary and the characters that it stands for.
struct Piece {
  std::int64_t id;
  /// Byte offsets of its characters in the original UTF-8 text, [begin, end).
  std::size_t begin;
  std::size_t end;

  bool operator==(const Piece&) const = default;
};

/// The tokens that a model wants around its texts: `begin` A `end`, and for a pair `begin` A `end`... B `end`.
struct GRAFT_API Frame {
  /// [CLS] or <s>, and [SEP] or </s>; none where the model reads bare texts, as GPT-2 does.
  std::optional<std::int64_t> begin = std::nullopt;
  std::optional<std::int64_t> end = std::nullopt;
  /// Fills shorter texts of a batch up.
  std::int64_t pad = 0;
  /// For what the vocabulary cannot spell; byte-level vocabularies spell everything.
  std::optional<std::int64_t> unknown = std::nullopt;
  /// How many `end` stand between the texts of a pair: 1 for BERT, 2 for RoBERTa.
  int separators = 1;
  /// True if token_type_ids tell the texts of a pair apart: 1 from the second text on, to its `end`.
  bool types = false;

  /// Tokens of the frame around one text, or around a pair.
  std::size_t num_tokens(bool is_pair) const;
  bool operator==(const Frame&) const = default;
};

/// What a network reads of a text or a pair.
struct FramedText {
  std::vector<std::int64_t> ids;
  /// Where the pieces of each text begin in `ids`; `second` is ids.size() where there is none.
  std::size_t first;
  std::size_t second;
};

/// Puts the frame around the pieces of a text.
GRAFT_API FramedText framed(const Frame& frame, std::span<const Piece> text);
/// The same for a pair.
GRAFT_API FramedText framed(const Frame& frame, std::span<const Piece> first, std::span<const Piece> second);

/// A vocabulary and the way it cuts texts into its tokens, with the ids and offsets that Hugging Face's `tokenizers` gives.
/// Immutable: any number of threads may use one object.
class GRAFT_API Subwords {
 public:
  virtual ~Subwords() = default;
  /// The pieces of `text`, first to last, without a frame around them.
  virtual std::vector<Piece> encode(std::string_view text) const = 0;
  /// The id of a token; throws DataError if the vocabulary lacks it.
  virtual std::int64_t id(std::string_view token) const = 0;
  /// The token of an id; throws DataError if there is none.
  virtual const std::string& token(std::int64_t id) const = 0;
  /// One more than the largest id: the rows that an embedding of it needs.
  virtual std::size_t size() const = 0;
  virtual Frame frame() const = 0;
  /// The text of a tokenizer.json for `tokenizers`: same ids, framed, cut to `max_length` ids, no padding.
  /// Throws ConfigError if `max_length` leaves no room within the frame.
  virtual std::string to_json(std::int64_t max_length) const = 0;
};

/// Reads what a model was published with: a vocab.txt (read as uncased), a tokenizer.json, a vocab.json with the merges.txt beside it, or
/// a folder that holds one of these, whose tokenizer_config.json tells what a vocabulary alone does not: do_lower_case, add_prefix_space.
/// Throws CheckpointError if the file cannot be used, DataError for a vocabulary that contradicts itself.
GRAFT_API std::shared_ptr<const Subwords> load_subwords(const std::string& path);
/// From the text of a tokenizer.json; `place` names it in errors.
GRAFT_API std::shared_ptr<const Subwords> subwords_from_json(std::string_view json, const std::string& place = "tokenizer.json");

}  // namespace graft::text
