#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graft/core/api.h"

namespace graft::text {

/// A piece of a text: a token of the vocabulary and the characters that it stands for.
struct Piece {
  /// The token's line in the vocabulary, from 0.
  std::int64_t id;
  /// Byte offsets of its characters in the original UTF-8 text, [begin, end).
  std::size_t begin;
  std::size_t end;

  bool operator==(const Piece&) const = default;
};

/// How a BERT model reads text; the defaults are those of the uncased models.
struct WordPieceOptions {
  /// Reads upper case as lower case; cased models: false.
  bool lowercase = true;
  /// Drops accents ("é" reads as "e"); unset: as `lowercase` says.
  std::optional<bool> strip_accents = std::nullopt;
  /// Makes each Chinese character a word of its own.
  bool split_cjk = true;
  /// The token for words that the vocabulary cannot spell.
  std::string unknown = "[UNK]";
  /// What tokens that go on with a word begin with.
  std::string prefix = "##";
  /// Longer words are unknown; counted in characters after the clean-up.
  std::size_t max_word_characters = 100;
  /// Tokens found wherever they stand literally in a text, before the clean-up; those that the vocabulary lacks are left out.
  std::vector<std::string> special_tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

  bool operator==(const WordPieceOptions&) const = default;
};

/// Cuts texts into the tokens of a BERT vocabulary, with the ids and offsets that Hugging Face's `tokenizers` gives.
/// Immutable: any number of threads may use one object, and copies share its vocabulary.
class GRAFT_API WordPiece {
 public:
  /// Takes the tokens in the order of their ids.
  /// Throws DataError if `options.unknown`, [CLS], [SEP] or [PAD] is missing, a token stands twice or is not UTF-8.
  explicit WordPiece(std::vector<std::string> vocabulary, WordPieceOptions options = {});

  /// Reads a vocab.txt (one token a line), to be used as `options` say, or a *.json as from_json() does, which brings its own options.
  /// Throws CheckpointError if the file cannot be used, DataError as the constructor does.
  static WordPiece load(const std::string& path, WordPieceOptions options = {});

  /// Reads the text of a tokenizer.json; `place` names it in errors.  The truncation and padding in it are not read.
  /// Throws CheckpointError if it describes anything but a BERT tokenizer.
  static WordPiece from_json(std::string_view json, const std::string& place = "tokenizer.json");

  /// The pieces of `text`, first to last, without [CLS] and [SEP] around them.  Bytes that are not UTF-8 are passed over.
  std::vector<Piece> encode(std::string_view text) const;

  /// The id of a token; throws DataError if the vocabulary lacks it.
  std::int64_t id(std::string_view token) const;
  /// The token of an id; throws DataError if there is none.
  const std::string& token(std::int64_t id) const;
  /// Number of tokens.
  std::size_t size() const;
  /// The options in use: special_tokens holds the tokens of the vocabulary only, in the order of their ids.
  const WordPieceOptions& options() const;

  /// The text of a tokenizer.json for `tokenizers`: same ids, [CLS] A [SEP] and [CLS] A [SEP] B [SEP], cut to `max_length` ids, no padding.
  /// Throws ConfigError if `max_length` leaves no room between [CLS] and [SEP].
  std::string to_json(std::int64_t max_length) const;

 private:
  struct Vocabulary;
  explicit WordPiece(std::shared_ptr<const Vocabulary> vocabulary);
  static std::shared_ptr<const Vocabulary> build(std::vector<std::string> tokens, WordPieceOptions options, const std::string& place);

  std::shared_ptr<const Vocabulary> vocabulary_;
};

}  // namespace graft::text
