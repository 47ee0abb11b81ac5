#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graft/text/wordpiece.h"
#include "text/tokenizer_json.h"

namespace graft::text::detail {

/// What a tokenizer.json says of a BERT tokenizer.
struct WordPieceFile {
  /// Tokens in the order of their ids.
  std::vector<std::string> vocabulary;
  WordPieceOptions options;
};

/// Throws CheckpointError with `place` if `json` describes anything but a BERT tokenizer.
WordPieceFile read_wordpiece(const Json& json, const std::string& place);

/// The text of a tokenizer.json; `words` holds all special tokens.
std::string write_wordpiece(const WordPiece& words, const std::vector<std::string>& vocabulary, std::int64_t max_length);

}  // namespace graft::text::detail
