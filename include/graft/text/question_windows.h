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

struct QuestionWindowsOptions {
  /// The fields of a record that hold the question and the text that answers it.
  std::string question = "question", context = "context";
  /// Tokens of a window, its frame and the question included.
  std::int64_t max_length = 384;
  /// Tokens of the context that neighbouring windows share, so that an answer at the end of one stands whole in the next.
  std::int64_t stride = 128;
  /// Longer questions are cut to this many tokens.
  std::int64_t max_question = 64;
};

/// Turns a question and a context of any length into windows: [CLS] question [SEP] part of the context [SEP], one sample each. Gives
/// "input_ids" [L], "token_type_ids" [L] where the vocabulary's models read them, and "offsets" [L, 2]: the bytes of the context that a
/// token stands for, [begin, end), or -1 where it stands for none.
class GRAFT_API QuestionWindows final : public Preprocess {
 public:
  /// Throws ConfigError if the sizes leave no window that moves on.
  explicit QuestionWindows(std::shared_ptr<const Subwords> words, QuestionWindowsOptions options = {});
  /// From config() and the text of its tokenizer.json.
  static QuestionWindows from_config(const nlohmann::json& config, std::string_view tokenizer_json);

  /// At least one window. Throws DataError for a question that is empty.
  std::vector<Sample> operator()(const Record& record, Rng& rng, Mode mode) const override;
  nlohmann::json config() const override;
  std::vector<std::pair<std::string, std::string>> files() const override;
  Padding padding() const override;
  /// Tokens of the question beyond max_question; of the context none is lost.
  std::int64_t cut(const Record& record) const override;
  Record example() const override;

  const Subwords& words() const { return *words_; }
  const QuestionWindowsOptions& options() const { return options_; }

 private:
  std::shared_ptr<const Subwords> words_;
  QuestionWindowsOptions options_;
  Frame frame_;
};

}  // namespace graft::text
