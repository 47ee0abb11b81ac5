#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/dataset.h"
#include "graft/head/dense_head.h"

namespace graft::head {

struct MultiLabelOptions {
  /// The field of a record that holds its labels: a text such as "a;b", a list of texts, or a tensor [C] of shares. Empty: no label.
  std::string label = "label";
  /// All labels, in the order of the logits; at least one. With `columns` the names in answers; empty: the columns' own.
  std::vector<std::string> labels = {};
  /// Between labels in texts, in records and answers. Spaces around a label do not count.
  std::string separator = ";";
  /// Instead of `label`: one field for each label, which holds 0, 1 or a share between them.
  std::vector<std::string> columns = {};
  /// An answer has the labels whose probability is above this, in (0, 1).
  double threshold = 0.5;
  /// Weight of each label's records that have it, as many as labels; empty: all 1. Above 1 more of them are found, and more in error.
  std::vector<double> positive_weights = {};
  /// Focal loss: each yes or no is weighed by (1 - p)^focal_gamma, p the probability of what is true of it, so that what is right already
  /// counts less. 2 is usual; 0: plain cross-entropy.
  double focal_gamma = 0.0;
  /// Width of a hidden layer with GELU; 0: one linear layer.
  std::int64_t hidden = 0;
  /// Dropout before the last layer, in [0, 1).
  double dropout = 0.0;
  /// False: what it reads are the scores already; the backbone's own last layer trains.
  bool own_layer = true;
  /// The backbone's output to read.
  std::string from = "output";
  /// Unset: the mean over tokens or pixels, as the output's dimensions say.
  std::optional<Pooling> pooling = std::nullopt;
  /// The batch field that masks padding.
  std::string mask = "attention_mask";
  /// Scale what is read to length 1, so that scores do not grow with it.
  bool unit_length = false;
  /// Seeds the initial weights.
  std::uint64_t seed = 0;
  /// Width of what it reads; 0: learned from the backbone.
  std::int64_t width = 0;
};

/// Any number of C labels: logits [N, C], a yes or no of its own for each, under binary cross-entropy over all N * C of them
/// (torch.nn.BCEWithLogitsLoss, with its meaning of pos_weight), or under the focal loss of Lin, Goyal, Girshick, He and Dollar: Focal loss
/// for dense object detection, 2017, without its alpha: positive_weights weigh as they do without it. An answer is the text of its labels
/// in their order, joined by the separator, or no_labels; its score the probability of its least sure yes or no; `top` the likeliest
/// labels, in the answer or not.
class GRAFT_API MultiLabel final : public DenseHead {
 public:
  /// The answer without a label. It is a text, as an empty one means that there is no answer.
  static constexpr const char* no_labels = "(none)";

  /// Throws ConfigError for options out of range, all of them at once.
  explicit MultiLabel(MultiLabelOptions options);
  /// From config().
  static MultiLabel from_config(const nlohmann::json& config);
  /// The distinct labels in a field of texts such as "a;b" or lists of texts, in lexical order. Throws DataError if the field is missing.
  static std::vector<std::string> labels_of(const Data& data, const std::string& field, const std::string& separator = ";");

  void build(const Fields& outputs) override;
  /// Throws DataError for a label that is not among the labels and for a column that is not in [0, 1].
  void targets(const Record& record, std::span<Sample> samples) const override;
  Fields forward(const Fields& features) const override;
  Terms loss(const Fields& outputs, const Fields& targets) const override;
  Terms weights(const Fields& targets) const override;
  /// Empty under the focal loss too: it is not convex, so a solver may end in a minimum that is none of the whole.
  std::optional<LinearLayer> linear() const override;
  std::unique_ptr<ScoreLoss> score_loss(bool summed) const override;
  std::vector<Decoded> decode(const Fields& outputs, const Batch& batch, std::span<const Record> records) const override;
  std::string truth(const Record& record) const override;
  bool has_classes() const override;
  Metrics metrics() const override;
  std::unique_ptr<Head> extended_by(const Data& data) const override;
  nlohmann::json config() const override;
  const MultiLabelOptions& options() const { return options_; }

 private:
  /// [C]
  at::Tensor target(const Record& record) const;
  /// The text of the labels that are true in `chosen` [C].
  std::string text_of(const at::Tensor& chosen) const;

  MultiLabelOptions options_;
  std::map<std::string, std::int64_t> index_;
  at::Tensor positive_weights_;  // [C], or undefined
};

}  // namespace graft::head
