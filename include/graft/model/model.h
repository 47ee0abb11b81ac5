#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graft/adapt/freeze.h"
#include "graft/backbone/backbone.h"
#include "graft/backbone/prefix_form.h"
#include "graft/core/api.h"
#include "graft/data/preprocess.h"
#include "graft/head/head.h"
#include "graft/model/plan.h"
#include "graft/predict/predictor.h"

namespace graft {

struct ModelOptions {
  /// What of the backbone stays as it is.
  Freeze freeze = Freeze::all();
  /// As choose_device() reads it.
  std::string device = "auto";
  /// Mend what Backbone::findings() calls repairable where something of the backbone trains, so that dropout drops out though a trace had
  /// switched it off. False: train it as it was saved.
  bool repair = true;
  PrefixForm prefix = PrefixForm::Fast;
};

/// A backbone, what of it trains, a head and the preprocessing: everything between a record and an answer. Owns what trains; frozen tensors
/// share their storage with the backbone. What is frozen does not move in any mode: batch norm keeps its statistics, dropout is off.
class GRAFT_API Model {
 public:
  template <std::derived_from<Head> H, std::derived_from<Preprocess> P>
  Model(Backbone backbone, H head, P preprocess, const ModelOptions& options = {})
      : Model(std::move(backbone), std::make_unique<H>(std::move(head)), std::make_shared<const P>(std::move(preprocess)), options) {}
  /// Runs the backbone once on the preprocessing's example, to learn what it gives. Throws ModelError if the parts do not fit: the head
  /// says what it wants and what the backbone gives.
  Model(Backbone backbone, std::unique_ptr<Head> head, std::shared_ptr<const Preprocess> preprocess, const ModelOptions& options = {});
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  /// A saved model, to evaluate or train on. Throws ConfigError if its head is a user's and options.head is not given.
  static Model load(const std::string& path, const LoadOptions& options = {});
  /// Writes one TorchScript archive that C++ and Python load: forward(the backbone's inputs) gives the head's outputs, for any batch size
  /// and length. Throws ModelError if the head's code cannot be traced faithfully; SystemError if the file cannot be written.
  void save(const std::string& path);

  /// Another head on the same backbone: one with more classes, or for another task. Throws ModelError, and keeps the old one, if it does
  /// not fit.
  void replace_head(std::unique_ptr<Head> head);
  template <std::derived_from<Head> H>
  void replace_head(H head) {
    replace_head(std::make_unique<H>(std::move(head)));
  }

  /// The numbers in which the frozen part is computed from here on. Throws ConfigError for BFloat16 if the form is Exact.
  void set_precision(Precision precision);
  /// Float32 or BFloat16.
  Precision precision() const;
  PrefixForm prefix_form() const;
  /// Keep only what crosses from layer group to layer group between the forward and the backward pass of a training step, and compute the
  /// rest again: less memory, about a third more time, the same gradients. Where batch norm trains it is left out, which is logged.
  void set_gradient_checkpointing(bool on);
  bool gradient_checkpointing() const;

  /// Changes what trains; tensors that trained so far keep their values.
  void freeze(const Freeze& policy);
  const Freeze& policy() const;
  FreezeTable freeze_table() const;
  /// True if some of the backbone trains.
  bool backbone_trains() const;
  /// True if the network reads the mask of padded batches.
  bool reads_mask() const;
  /// What an optimizer steps: "backbone.encoder...", "head.weight"; tied tensors once.
  std::vector<std::pair<std::string, at::Tensor>> trainable() const;
  /// Everything that a training step may change: what trains, and the network's buffers if some of it trains.
  std::vector<std::pair<std::string, at::Tensor>> moving() const;

  /// Train mode turns on dropout and batch statistics where something trains, and nowhere else. The model starts in eval mode.
  void set_training(bool on);
  bool is_training() const;
  /// Pooled features by the names that the head reads. With gradients only in train mode, and only if the backbone trains.
  Fields features(const Fields& inputs) const;

  /// The dotted path of the first layer, in order of execution, whose output for these inputs is not finite; empty if none is, or if its
  /// layers cannot be looked into. Runs the live weights in eval mode.
  std::string bad_layer(const Fields& inputs) const;

  /// Where the freeze line runs through the backbone. Runs it on the preprocessing's example, to count its work.
  Plan plan() const;
  /// True if some of the backbone trains and some is computed once: there are cut() and features_of_cut().
  bool is_split() const;
  /// What crosses the line for a batch: the frozen part, without gradients. Throws ModelError if the plan does not split.
  Fields cut(const Fields& inputs) const;
  /// features() from there on: the part that trains, with gradients in train mode. The same numbers, to the bit where LibTorch's kernels do
  /// not depend on gradients or padding.
  Fields features_of_cut(const Fields& cut) const;
  /// What a store keeps of a batch: features(), or cut() where some of the backbone trains, and inputs that the network does not take.
  Fields kept(const Fields& inputs) const;
  /// features() from there on.
  Fields features_of_kept(const Fields& kept) const { return backbone_trains() ? features_of_cut(kept) : kept; }
  /// True if what is kept has one shape for all samples: the backbone is frozen, and no feature is as long as its text.
  bool keeps_rows() const;
  /// Samples that the frozen part has computed so far: with a store, each once.
  std::int64_t frozen_samples() const;
  /// A digest of all that decides what kept() gives for a record: weights, code and form of the frozen part, preprocessing, what the head
  /// reads.
  std::string fingerprint() const;
  /// The head's outputs for a batch of inputs.
  Fields operator()(const Fields& inputs) const;

  Head& head();
  const Head& head() const;
  const std::shared_ptr<const Preprocess>& preprocess() const;
  /// In the form that runs: repaired where something of it trains, cut where the head reads values inside it.
  const Backbone& backbone() const;
  c10::Device device() const;

 private:
  struct State;
  explicit Model(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace graft
