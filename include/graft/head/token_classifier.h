#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/dataset.h"
#include "graft/head/token_layer.h"

namespace graft::head {

struct TokenClassifierOptions {
  /// The labels of words, in the order of the logits; at least two. Labels "O", "B-X" and "I-X" mark entities of kinds X (BIO2); others are
  /// classes of their own, such as parts of speech. labels_of() finds them.
  std::vector<std::string> labels = {};
  /// The fields of a record: its text, a label for each word, or in its place entities as byte offsets in the text [E, 2] with their kinds.
  std::string text = "text", tags = "tags", spans = "spans", span_labels = "span_labels";
  /// The byte offsets of words that `tags` belong to.
  std::string words = "words";
  /// Weight of each label in the loss, as many as labels; empty: all 1.
  std::vector<double> class_weights = {};
  /// See ClassifierOptions; for entities, which most words are none of.
  double label_smoothing = 0.0;
  double focal_gamma = 0.0;
  /// See TokenLayerOptions.
  double dropout = 0.1;
  std::string from = "output";
  std::string mask = "attention_mask";
  std::uint64_t seed = 0;
  std::int64_t width = 0;
};

/// A label for each word of a text, read off its first token, as in Devlin et al., BERT, 2019: logits [N, L, C] under softmax cross-entropy
/// over first tokens; further tokens of a word, special ones and labels that are not among the options' count as nothing. Reads samples of
/// text::Words. Words that stand in several windows take their label from the one in which they are farthest from an end. Answers are
/// Decoded::tags and, with offsets in the text, Decoded::spans: entities of BIO labels, where an I-X without its beginning begins one, else
/// each word with its label. Entities of records that end inside a word, or beside one, are those of the whole words that they touch.
class GRAFT_API TokenClassifier final : public TokenLayer {
 public:
  /// Throws ConfigError for options out of range, all of them at once.
  explicit TokenClassifier(TokenClassifierOptions options);
  /// From config().
  static TokenClassifier from_config(const nlohmann::json& config);
  /// "O" and "B-X", "I-X" for each kind X of entity in the data; the distinct tags, where they are no BIO. Throws DataError if there are
  /// fewer than two, naming what the records have.
  static std::vector<std::string> labels_of(const Data& data, const TokenClassifierOptions& fields = {});

  void targets(const Record& record, std::span<Sample> samples) const override;
  Fields forward(const Fields& features) const override;
  Terms loss(const Fields& outputs, const Fields& targets) const override;
  /// Words that have a label, in the sum of their class weights.
  Terms weights(const Fields& targets) const override;
  std::vector<Decoded> decode(const Fields& outputs, const Batch& batch, std::span<const Record> records) const override;
  Decoded merge(std::span<const Decoded> samples, const Record& record) const override;
  /// The entities: "Thames [location], John Smith [person]"; of other labels the words: "Ada [NOUN], runs [VERB]".
  std::string truth(const Record& record) const override;
  /// "accuracy" of words; of BIO labels those of metric::EntityScores too, and "f1_strict", for which tags out of order are no entity.
  Metrics metrics() const override;
  std::unique_ptr<Head> extended_by(const Data& data) const override;
  nlohmann::json config() const override;
  const TokenClassifierOptions& options() const { return options_; }

 private:
  TokenClassifierOptions options_;
  std::map<std::string, std::int64_t> index_;
  at::Tensor class_weights_;  // [C], or undefined
};

}  // namespace graft::head
