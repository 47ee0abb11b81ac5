#pragma once

#include <set>

#include "backbone/binding.h"
#include "graft/data/sample.h"
#include "graft/model/model.h"
#include "graph/network.h"

namespace graft {

/// What a model is made of; model.cpp runs it, export.cpp saves and loads it.
struct Model::State {
  State(Backbone frozen, std::unique_ptr<Head> the_head, std::shared_ptr<const Preprocess> the_preprocess, const ModelOptions& options);

  /// Lets the head learn its widths from the live network and takes it. Throws ModelError, and changes nothing, if it does not fit.
  void attach(std::unique_ptr<Head> candidate);
  /// Makes the live network anew by the policy: what trained so far keeps its values.
  void apply_policy();
  void set_training(bool on);
  graph::Trains is_trained() const {
    return [this](const std::string& name) { return trains.contains(name); };
  }

  Backbone backbone;
  std::unique_ptr<Head> head;
  std::shared_ptr<const Preprocess> preprocess;
  Freeze policy;
  c10::Device device;
  Batch example;
  backbone::Binding binding;
  /// The live copy: frozen tensors share the backbone's storage, trained ones are its own.
  graph::Network network;
  /// Names of the backbone's parameters that train.
  std::set<std::string> trains;
  bool training = false;
};

}  // namespace graft
