#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graft/text/subwords.h"

namespace graft::text {

namespace detail {
struct WordPieceFile;
}

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
class GRAFT_API WordPiece final : public Subwords {
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
  std::vector<Piece> encode(std::string_view text) const override;
  std::int64_t id(std::string_view token) const override;
  const std::string& token(std::int64_t id) const override;
  std::size_t size() const override;
  /// [CLS] A [SEP] and [CLS] A [SEP] B [SEP], whose types are 0 and 1.
  Frame frame() const override;
  /// The options in use: special_tokens holds the tokens of the vocabulary only, in the order of their ids.
  const WordPieceOptions& options() const;

  std::string to_json(std::int64_t max_length) const override;

 private:
  struct Vocabulary;
  friend GRAFT_API std::shared_ptr<const Subwords> subwords_from_json(std::string_view json, const std::string& place);
  WordPiece(detail::WordPieceFile file, const std::string& place);

  std::shared_ptr<const Vocabulary> vocabulary_;
};

}  // namespace graft::text
