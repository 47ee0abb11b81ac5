#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/preprocess.h"
#include "graft/text/subwords.h"
#include "graft/text/wordpiece.h"

namespace graft::text {

struct TokenizerOptions {
  /// The field of a record that holds the text.
  std::string text = "text";
  /// Further fields that belong to the text, joined to it in this order. A record must have them, but they may be empty.
  std::vector<std::string> also = {};
  /// Between the parts; parts that are empty are passed over with it.
  std::string separator = " ";
  /// Longer texts are cut to this many tokens, [CLS] and [SEP] included; at least 3.
  std::int64_t max_length = 256;
};

/// Turns a text into "input_ids" [L]: [CLS], its pieces, [SEP]. Saved with the model as the tokenizer.json that Hugging Face reads.
class GRAFT_API Tokenizer final : public Preprocess {
 public:
  /// A vocab.txt (uncased unless the options of the second form say otherwise) or a tokenizer.json.
  static Tokenizer load(const std::string& path, const TokenizerOptions& options = {});
  /// From config() and the text of its tokenizer.json.
  static Tokenizer from_config(const nlohmann::json& config, std::string_view tokenizer_json);
  /// Throws ConfigError if max_length leaves no room for text.
  explicit Tokenizer(std::shared_ptr<const Subwords> words, TokenizerOptions options = {});
  explicit Tokenizer(WordPiece words, TokenizerOptions options = {});

  std::vector<Sample> operator()(const Record& record, Rng& rng, Mode mode) const override;
  nlohmann::json config() const override;
  std::vector<std::pair<std::string, std::string>> files() const override;
  Padding padding() const override;
  /// Tokens beyond max_length.
  std::int64_t cut(const Record& record) const override;
  Record example() const override;

  /// [CLS], pieces, [SEP], cut to max_length.
  std::vector<std::int64_t> ids(std::string_view text) const;
  /// The parts of a record's text, joined. Throws DataError if a field is missing.
  std::string text_of(const Record& record) const;
  const Subwords& words() const { return *words_; }
  const TokenizerOptions& options() const { return options_; }

 private:
  std::shared_ptr<const Subwords> words_;
  TokenizerOptions options_;
  Frame frame_;
};

}  // namespace graft::text
