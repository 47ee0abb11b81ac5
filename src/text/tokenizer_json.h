#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "graft/text/wordpiece.h"

namespace graft::text::detail {

/// What a tokenizer.json says of a BERT tokenizer.
struct TokenizerFile {
  /// Tokens in the order of their ids.
  std::vector<std::string> vocabulary;
  WordPieceOptions options;
};

/// Throws CheckpointError with `place` if `json` is not a tokenizer.json or describes anything but a BERT tokenizer.
TokenizerFile read_tokenizer_json(std::string_view json, const std::string& place);

/// The text of a tokenizer.json; `vocabulary` holds [CLS], [SEP] and all special tokens.
std::string write_tokenizer_json(const TokenizerFile& tokenizer, std::int64_t max_length);

}  // namespace graft::text::detail
