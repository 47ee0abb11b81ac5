#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/head/dense_head.h"
#include "graft/head/rejection.h"

namespace graft::head {

struct ClassifierOptions {
  /// The field of a record that holds its class: a name, a number, or a tensor [C] of probabilities (soft targets).
  std::string label = "label";
  /// The classes, in the order of the logits; at least two.
  std::vector<std::string> labels = {};
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
  /// Weight of each class in the loss, as many as labels; empty: all 1.
  std::vector<double> class_weights = {};
  /// Share of the target spread evenly over all classes, in [0, 1).
  double label_smoothing = 0.0;
  /// Focal loss: what a row adds is weighed by (1 - p)^focal_gamma, p the probability of its class, so that rows that are right already
  /// count less. 2 is usual; 0: plain cross-entropy. Not together with label_smoothing.
  double focal_gamma = 0.0;
  /// How inputs that belong to no class are told; unset: every answer is a class. Records with the label of such inputs count in neither
  /// the loss nor the metrics of the classes; fine_tune() leaves them out of training and chooses the threshold with them.
  std::optional<RejectionOptions> rejection = std::nullopt;
  /// Seeds the initial weights.
  std::uint64_t seed = 0;
  /// Width of what it reads; 0: learned from the backbone.
  std::int64_t width = 0;
};

/// One of C classes: logits [N, C] under softmax cross-entropy (torch.nn.CrossEntropyLoss, with its meaning of weights and smoothing), or
/// under the focal loss of Lin, Goyal, Girshick, He and Dollar: Focal loss for dense object detection, 2017, divided by the same weights.
class GRAFT_API Classifier final : public DenseHead {
 public:
  /// Throws ConfigError for options out of range, all of them at once.
  explicit Classifier(ClassifierOptions options);
  /// From config().
  static Classifier from_config(const nlohmann::json& config);
  /// A classifier for these labels that knows what this one learned: the weights of labels that both have are copied, those of new labels
  /// drawn, their class weights 1. Other labels of this one are left behind.
  Classifier extended(std::vector<std::string> labels) const;
  /// From now on; unset: nothing is rejected. Throws ConfigError for options out of range.
  void set_rejection(std::optional<RejectionOptions> rejection);

  void build(const Fields& outputs) override;
  /// Throws DataError if the class is not among the labels.
  void targets(const Record& record, std::span<Sample> samples) const override;
  /// In shares of the classes.
  Fields mixed(const Fields& first, const Fields& second, double share_of_first) const override;
  Fields forward(const Fields& features) const override;
  Terms loss(const Fields& outputs, const Fields& targets) const override;
  Terms weights(const Fields& targets) const override;
  /// Empty under the focal loss too: it is not convex, so a solver may end in a minimum that is none of the whole.
  std::optional<LinearLayer> linear() const override;
  std::unique_ptr<ScoreLoss> score_loss(bool summed) const override;
  std::vector<Decoded> decode(const Fields& outputs, const Batch& batch, std::span<const Record> records) const override;
  std::string truth(const Record& record) const override;
  Metrics metrics() const override;
  std::unique_ptr<Head> extended_by(const Data& data) const override;
  nlohmann::json config() const override;
  const ClassifierOptions& options() const { return options_; }

 private:
  ClassifierOptions options_;
  std::map<std::string, std::int64_t> index_;
  at::Tensor class_weights_;  // [C], or undefined
};

}  // namespace graft::head
