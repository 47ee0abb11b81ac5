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
  /// The field of a second text that is read beside the first, such as an answer; empty: none. A record must have it.
  std::string second = "";
  /// Longer texts are cut to this many tokens, those that frame them included. Of a pair the longer text is cut until both are equally
  /// long.
  std::int64_t max_length = 256;
};

/// Turns a text into "input_ids" [L]: its pieces, framed as the model wants it ([CLS] A [SEP]). A pair ([CLS] A [SEP] B [SEP]) also gives
/// "token_type_ids" [L], 0 to the first [SEP] and 1 beyond, where the model tells its texts apart so. Saved with the model as the
/// tokenizer.json that Hugging Face reads.
class GRAFT_API Tokenizer final : public Preprocess {
 public:
  /// From what load_subwords() takes.
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

  /// A framed text, cut to max_length.
  std::vector<std::int64_t> ids(std::string_view text) const;
  /// A framed pair, cut to max_length.
  FramedText pair(std::string_view first, std::string_view second) const;
  /// The parts of a record's text, joined; of a pair, the first text. Throws DataError if a field is missing.
  std::string text_of(const Record& record) const;
  const Subwords& words() const { return *words_; }
  const TokenizerOptions& options() const { return options_; }

 private:
  bool is_pair() const { return !options_.second.empty(); }

  std::shared_ptr<const Subwords> words_;
  TokenizerOptions options_;
  Frame frame_;
};

}  // namespace graft::text
