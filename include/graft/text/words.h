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

namespace graft::text {

struct WordsOptions {
  /// The field of a record that holds the text.
  std::string text = "text";
  /// The field with the byte offsets of its words, [W, 2], as a CoNLL file gives them. A record without it is cut into words at spaces and
  /// around punctuation.
  std::string words = "words";
  /// Tokens of a window, its frame included. A longer text comes as several windows, cut between words.
  std::int64_t max_length = 256;
  /// Tokens that neighbouring windows share at least, so that the words at their ends are seen with what stands around them.
  std::int64_t stride = 32;
};

/// Turns a text into tokens that know their word, for heads that answer word by word. Gives "input_ids" [L] and "words" [L, 3]: at the
/// first token of each word its number and its bytes in the text [begin, end); elsewhere, at the further tokens of a word too, -1. Of a
/// word that is longer than a window the beginning is read.
class GRAFT_API Words final : public Preprocess {
 public:
  /// Throws ConfigError if the sizes leave no window that moves on.
  explicit Words(std::shared_ptr<const Subwords> subwords, WordsOptions options = {});
  /// From config() and the text of its tokenizer.json.
  static Words from_config(const nlohmann::json& config, std::string_view tokenizer_json);

  std::vector<Sample> operator()(const Record& record, Rng& rng, Mode mode) const override;
  nlohmann::json config() const override;
  std::vector<std::pair<std::string, std::string>> files() const override;
  Padding padding() const override;
  Record example() const override;

  const Subwords& subwords() const { return *subwords_; }
  const WordsOptions& options() const { return options_; }

 private:
  std::shared_ptr<const Subwords> subwords_;
  WordsOptions options_;
  Frame frame_;
};

}  // namespace graft::text
