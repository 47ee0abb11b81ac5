#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/head/token_layer.h"

namespace graft::head {

struct QuestionAnsweringOptions {
  /// The fields of a record: the text that is searched, the right answers (a list of texts; empty: the text does not answer the question),
  /// and the byte offsets in the text at which they begin, [A].
  std::string context = "context", answers = "answers", starts = "answer_starts";
  /// The batch field with the token ids, and the token that ends each text of a pair ([SEP], </s>): what is searched lies behind so many of
  /// them (1 for BERT, 2 for RoBERTa). text::Subwords::frame() knows both.
  std::string ids = "input_ids";
  std::int64_t end_token = 102;
  std::int64_t separators = 1;
  /// Tokens of the longest answer, at least 1.
  std::int64_t max_answer = 30;
  /// True if some questions have no answer in their text (SQuAD 2.0): then an answer whose score is not by `threshold` above that of none
  /// is rejected. fine_tune() chooses it on validation data, for the best F1.
  bool unanswerable = false;
  double threshold = 0.0;
  /// See TokenLayerOptions.
  double dropout = 0.1;
  std::string from = "output";
  std::string mask = "attention_mask";
  std::uint64_t seed = 0;
  std::int64_t width = 0;
};

/// Extractive question answering, as in Devlin et al., BERT, 2019: a score for each token as the start and as the end of the answer, under
/// cross-entropy over the tokens of a window; a window without the answer points at its first token. Reads windows of
/// text::QuestionWindows. The search for the best spans is part of the network, so that the saved file gives them: "start_logits",
/// "end_logits" [N, L], "spans" [N, K, 2] as first and last token, best first, and "span_scores" [N, K], the sum of both logits (below
/// -1e8: no span). Answers are Decoded::spans with offsets in the text; scores are shares among the spans of all windows of a record.
class GRAFT_API QuestionAnswering final : public TokenLayer {
 public:
  /// Throws ConfigError for options out of range, all of them at once.
  explicit QuestionAnswering(QuestionAnsweringOptions options = {});
  /// From config().
  static QuestionAnswering from_config(const nlohmann::json& config);

  std::vector<Feature> reads() const override;
  /// The first right answer. Throws DataError if it does not stand in the text where the record says.
  void targets(const Record& record, std::span<Sample> samples) const override;
  Fields forward(const Fields& features) const override;
  std::vector<std::string> choices() const override { return {"spans"}; }
  Terms loss(const Fields& outputs, const Fields& targets) const override;
  std::vector<Decoded> decode(const Fields& outputs, const Batch& batch, std::span<const Record> records) const override;
  Decoded merge(std::span<const Decoded> samples, const Record& record) const override;
  std::string truth(const Record& record) const override;
  bool is_right(const Decoded& answer, const Record& record) const override;
  Metrics metrics() const override;
  nlohmann::json config() const override;
  void set_threshold(double threshold) { options_.threshold = threshold; }
  const QuestionAnsweringOptions& options() const { return options_; }

 private:
  QuestionAnsweringOptions options_;
};

}  // namespace graft::head
