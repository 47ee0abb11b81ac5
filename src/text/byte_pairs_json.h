#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graft/text/byte_pairs.h"
#include "text/tokenizer_json.h"

namespace graft::text::detail {

/// What files say of a byte-level tokenizer.
struct BytePairsFile {
  /// Tokens in the order of their ids.
  std::vector<std::string> vocabulary;
  BytePairs::Rules merges;
  BytePairsOptions options;
};

/// From a tokenizer.json. Throws CheckpointError with `place` if it describes anything but a byte-level BPE as GPT-2's.
BytePairsFile read_byte_pairs(const Json& json, const std::string& place);
/// From a vocab.json and the merges.txt in the same folder; its options are left as they are.
BytePairsFile read_byte_pairs_of(const Json& vocabulary, const std::string& path);

/// The text of a tokenizer.json.
std::string write_byte_pairs(const BytePairs& words, const std::vector<std::string>& vocabulary, const BytePairs::Rules& merges,
                             std::int64_t max_length);

}  // namespace graft::text::detail
