#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "backbone/binding.h"
#include "graft/data/sample.h"
#include "graft/model/model.h"
#include "graph/fast_form.h"
#include "graph/network.h"
#include "graph/segments.h"
#include "graph/split.h"

namespace graft {

/// What a model is made of, and how policy and head decide its form; model.cpp runs it, export.cpp saves and loads it.
struct Model::State {
  State(Backbone frozen, std::unique_ptr<Head> the_head, std::shared_ptr<const Preprocess> the_preprocess, const ModelOptions& options);

  /// Takes from the backbone what the head reads: its outputs, or values inside it. True if that changed the backbone's form.
  bool reach(const Head& candidate);
  /// Brings the backbone into the form that policy and head want; what trained so far keeps its values.
  void take_form();
  /// Lets the head learn its widths from the live network and takes it. Throws ModelError, and changes nothing, if it does not fit.
  void attach(std::unique_ptr<Head> candidate);
  /// Makes the live network anew by the policy: what trained so far keeps its values.
  void apply_policy();
  void set_training(bool on);
  /// Makes `steps` and `segments`.
  void make_steps();
  /// What a training step runs, with these arguments.
  Fields step(std::vector<c10::IValue> arguments) const;
  /// The halves of the live network, or why there are none.
  graph::SplitResult divide() const;
  /// What of the network stays as it is, all of it or the half below the line, in the form that the options want.
  const graph::Network& frozen() const;
  /// The fast form in this precision; without a network where there is none.
  const graph::FastForm& fast_in(Precision wanted) const;
  void count_frozen(const Fields& inputs) const {
    if (!inputs.empty() && inputs.begin()->second.dim() > 0) frozen_samples += inputs.begin()->second.size(0);
  }
  graph::Trains is_trained() const {
    return [this](const std::string& name) { return trains.contains(name); };
  }

  /// As it was given, and in the form that runs: repaired where something trains, cut where the head reads inner values.
  Backbone whole, backbone;
  std::unique_ptr<Head> head;
  std::shared_ptr<const Preprocess> preprocess;
  Freeze policy;
  bool repair;
  PrefixForm prefix_form;
  c10::Device device;
  Batch example;
  backbone::Binding binding;
  /// The live copy: frozen tensors share the backbone's storage, trained ones are its own.
  graph::Network network;
  /// Values inside the backbone that the head reads; empty: its outputs.
  std::vector<std::string> taps;
  /// Features are as long as their texts.
  bool ragged = false;
  /// What was done to `whole` to give `backbone`.
  struct Form {
    bool mended = false;
    std::vector<std::string> taps;
    bool operator==(const Form&) const = default;
  } formed;
  /// The live network in two at the freeze line, where some of it trains.
  graph::SplitResult halves;
  /// What runs in training steps, with the live tensors: the half above the line, or all of it where there is none; nothing where the
  /// network keeps a state.
  std::optional<graph::Network> steps;
  /// The same in segments, where checkpointing is wanted.
  std::optional<graph::Segments> segments;
  bool checkpointing = false;
  /// Samples that went through the frozen part.
  mutable std::atomic<std::int64_t> frozen_samples = 0;
  /// Float32 or BFloat16.
  Precision precision = Precision::Float32;
  /// The frozen part in its fast forms, each made at its first use.
  mutable std::map<Precision, graph::FastForm> fast;
  /// See Model::fingerprint(); empty until it is asked for.
  mutable std::string fingerprint;
  /// Names of the backbone's parameters that train.
  std::set<std::string> trains;
  /// Attributes that one call leaves behind for the next, so that each starts from the file's.
  std::vector<std::string> carried;
  std::optional<graph::Network> initial;
  bool training = false;
};

}  // namespace graft
