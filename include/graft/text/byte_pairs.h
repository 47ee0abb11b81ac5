#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graft/text/subwords.h"

namespace graft::text {

namespace detail {
struct BytePairsFile;
}

/// A token that is found wherever it stands literally in a text, before the text is cut into words.
struct AddedToken {
  /// As the vocabulary has it.
  std::string token;
  /// Takes the white space before it, or behind it, along: <mask> of RoBERTa does.
  bool strips_left = false;
  bool strips_right = false;
  /// Looked for only where no token without this flag was found.
  bool normalized = false;
  /// Left out by Hugging Face's decode() where it skips special tokens.
  bool special = true;

  bool operator==(const AddedToken&) const = default;
};

/// How a byte-level model reads text; the defaults are those of GPT-2 and RoBERTa.
struct BytePairsOptions {
  /// Reads a text, and what follows an added token, as if a space stood before it, where none does.
  bool add_prefix_space = false;
  /// Leaves white space out of the offsets of pieces; with `keeps_first_space` a first piece that begins with one keeps it.
  bool trim_offsets = true;
  bool keeps_first_space = false;
  /// Unset: those of <s>, <pad>, </s>, <unk>, <mask> and <|endoftext|> that the vocabulary has, in the order of their ids.
  std::optional<std::vector<AddedToken>> added = std::nullopt;
  /// Unset: RoBERTa's, <s> A </s></s> B </s>, where the vocabulary has <s> and </s>; else nothing, as for GPT-2.
  std::optional<Frame> frame = std::nullopt;
};

/// Cuts texts into the tokens of a byte-level vocabulary by byte pair encoding (GPT-2, RoBERTa), with the ids and offsets that Hugging
/// Face's `tokenizers` gives. It spells any text; bytes that are not UTF-8 read as U+FFFD, as Python's "replace" has it.
/// Immutable: any number of threads may use one object, and copies share its vocabulary.
class GRAFT_API BytePairs final : public Subwords {
 public:
  using Rules = std::vector<std::pair<std::string, std::string>>;

  /// Takes tokens in the order of their ids and pairs of tokens in the order in which they join, both as published: "Ġ" is a space.
  /// Throws DataError if a token stands twice or is not UTF-8, CheckpointError for a byte without a token or a pair that makes no token.
  BytePairs(std::vector<std::string> vocabulary, const Rules& merges, BytePairsOptions options = {});

  /// Reads a vocab.json and the merges.txt beside it, to be used as `options` say, or a tokenizer.json, which brings its own options.
  /// Throws CheckpointError if a file cannot be used, DataError as the constructor does.
  static BytePairs load(const std::string& path, BytePairsOptions options = {});
  /// Reads the text of a tokenizer.json; `place` names it in errors. The truncation and padding in it are not read.
  /// Throws CheckpointError if it describes anything but a byte-level BPE as GPT-2's.
  static BytePairs from_json(std::string_view json, const std::string& place = "tokenizer.json");

  std::vector<Piece> encode(std::string_view text) const override;
  std::int64_t id(std::string_view token) const override;
  const std::string& token(std::int64_t id) const override;
  std::size_t size() const override;
  Frame frame() const override;
  std::string to_json(std::int64_t max_length) const override;
  /// The options in use, with added tokens and frame set.
  const BytePairsOptions& options() const;

 private:
  struct Vocabulary;
  friend GRAFT_API std::shared_ptr<const Subwords> subwords_from_json(std::string_view json, const std::string& place);
  BytePairs(detail::BytePairsFile file, const std::string& place);

  std::shared_ptr<const Vocabulary> vocabulary_;
};

}  // namespace graft::text
