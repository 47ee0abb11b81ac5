#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/fields.h"
#include "graft/data/decoded.h"
#include "graft/data/record.h"
#include "graft/data/sample.h"
#include "graft/head/feature.h"
#include "graft/metric/metric.h"

namespace graft {

class Data;

/// Named scalars: sums of loss terms, or what each is a sum over.
using Terms = Fields;

/// One linear layer under a loss that is convex in it: such a head can be solved to its optimum instead of being stepped.
struct LinearLayer {
  std::string feature;
  at::Tensor weight;  // [C, D]
  at::Tensor bias;    // [C]
};

/// Task-specific layers on top of a backbone: what they read, how they train, what they answer. Derive from it in your own code; the
/// library trains, stores features for, exports and checks it like the built-in ones. Move-only: a model owns its head.
class GRAFT_API Head {
 public:
  /// Makes the process-wide settings first, as heads make tensors before anything else of the library runs.
  Head();
  virtual ~Head() = default;
  Head(Head&&) = default;
  Head& operator=(Head&&) = default;

  /// Called once, with the backbone's outputs on an example and after them the example's inputs, before anything else: a head that learns
  /// its width from it makes its parameters here. Default: nothing.
  virtual void build(const Fields& outputs);
  virtual std::vector<Feature> reads() const = 0;
  /// Fills Sample::targets from the record, in the loader's threads, not at prediction. Checks before a run give one sample without inputs.
  virtual void targets(const Record& record, std::span<Sample> samples) const = 0;
  /// The targets of a sample that is mixed of two: the first's in this share, the second's in the rest, so that the loss of an output is
  /// what its losses for both are in these shares, up to a constant. Default: floating targets are interpolated; throws ConfigError if
  /// there are others.
  virtual Fields mixed(const Fields& first, const Fields& second, double share_of_first) const;
  /// Plain tensor code, logits and never probabilities. It is traced for export: take sizes from -1 and from operators, never as numbers.
  virtual Fields forward(const Fields& features) const = 0;
  /// Outputs that are picked by comparing numbers, such as the best boxes, which rounding may turn: of these export compares the shapes of
  /// the recorded form only. Default: none.
  virtual std::vector<std::string> choices() const;
  /// Named sums over the batch.
  virtual Terms loss(const Fields& outputs, const Fields& targets) const = 0;
  /// What each sum is a sum over; a term that is missing here: the rows. Known before the forward pass.
  virtual Terms weights(const Fields& targets) const;
  /// One answer a sample; default: the outputs as they are. `records` is empty where only inputs are known.
  virtual std::vector<Decoded> decode(const Fields& outputs, const Batch& batch, std::span<const Record> records) const;
  /// The answer for a record from those of its samples, at least one, in any order; the record has no values where only inputs are known.
  /// Called for every record. Default: the surest.
  virtual Decoded merge(std::span<const Decoded> samples, const Record& record) const;
  /// The right answer in the form of Decoded::label, for reports; empty: none.
  virtual std::string truth(const Record& record) const;
  /// True if an answer is right, for reports of mistakes. Default: it is the truth.
  virtual bool is_right(const Decoded& answer, const Record& record) const;
  /// True if each answer is one of a few classes, so that a report may count which is taken for which. Default: true.
  virtual bool has_classes() const;
  virtual Metrics metrics() const;
  virtual std::optional<LinearLayer> linear() const;
  /// For data that has labels this head does not know: one that has room for them too and knows what this one learned; null if it knows them
  /// all. Default: null.
  virtual std::unique_ptr<Head> extended_by(const Data& data) const;
  /// Enough for its factory to build it again; "type" names the kind.
  virtual nlohmann::json config() const = 0;

  const Fields& parameters() const { return parameters_; }
  const Fields& buffers() const { return buffers_; }
  void set_training(bool on) { training_ = on; }
  /// How many of the best answers decode() lists.
  void set_top(std::int64_t count) { top_ = count; }

 protected:
  /// Registers a tensor that trains, under a name without dots; returns it.
  at::Tensor parameter(std::string name, at::Tensor initial);
  /// Registers a tensor that is saved and does not train.
  at::Tensor buffer(std::string name, at::Tensor initial);
  bool is_training() const { return training_; }
  std::int64_t top() const { return top_; }
  /// Dropout while training; in an exported file it follows the module's mode.
  at::Tensor dropout(const at::Tensor& values, double p) const;

 private:
  Fields parameters_;
  Fields buffers_;
  bool training_ = false;
  std::int64_t top_ = 5;
};

/// One term of a head's loss over a batch. Terms of several batches add up: the mean loss is the sum over terms of (sums) / (weights).
struct LossTerm {
  std::string name;
  /// Scalar, with its gradient.
  at::Tensor sum;
  /// What it is a sum over: a scalar on the CPU or on the sum's device.
  at::Tensor weight;
};

/// The loss of a batch of `rows` samples, term by term.
GRAFT_API std::vector<LossTerm> loss_terms(const Head& head, const Fields& outputs, const Fields& targets, std::int64_t rows);

}  // namespace graft
