#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/dataset.h"
#include "graft/head/dense_head.h"

namespace graft::head {

struct RegressorOptions {
  /// The fields of a record that hold the numbers to predict; at least one.
  std::vector<std::string> targets = {"target"};
  /// Where the targets lie and how far they spread, in their units, as many as targets: the layers predict (target - mean) / scale. Empty:
  /// 0 and 1. scale_of() takes them from data.
  std::vector<double> mean = {};
  std::vector<double> scale = {};
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

/// Where targets lie and how far they spread: one number a target.
struct TargetScale {
  std::vector<double> mean = {};
  /// Population standard deviation; 1 for a target that never changes.
  std::vector<double> scale = {};
};

/// T numbers of any size: "values" [N, T] in the units of the data, under the squared error of standardized targets, ((value - target) /
/// scale)^2, its mean over the targets. An answer has its numbers by the targets' names in Decoded::values (scalars); with one target its
/// label is the number as text. There is no score: a squared error says nothing of how sure an answer is.
class GRAFT_API Regressor final : public DenseHead {
 public:
  /// Throws ConfigError for options out of range, all of them at once.
  explicit Regressor(RegressorOptions options);
  /// From config().
  static Regressor from_config(const nlohmann::json& config);
  /// Mean and scale of the targets in `data`, which should be the training part. Throws DataError if it is empty, and for a record whose
  /// target is no finite number.
  static TargetScale scale_of(const Data& data, const std::vector<std::string>& targets);

  void build(const Fields& outputs) override;
  /// Throws DataError if a target is missing or no finite number.
  void targets(const Record& record, std::span<Sample> samples) const override;
  Fields forward(const Fields& features) const override;
  Terms loss(const Fields& outputs, const Fields& targets) const override;
  std::vector<Decoded> decode(const Fields& outputs, const Batch& batch, std::span<const Record> records) const override;
  bool has_classes() const override;
  Metrics metrics() const override;
  nlohmann::json config() const override;
  const RegressorOptions& options() const { return options_; }

 private:
  RegressorOptions options_;
  at::Tensor mean_, scale_;  // [T]
};

}  // namespace graft::head
