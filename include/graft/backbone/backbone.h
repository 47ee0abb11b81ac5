#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/fields.h"
#include "graft/core/finding.h"

namespace graft {

namespace graph {
class Network;
}

/// A run of layers that is frozen or trained together, named by their common path: "encoder.layer.0".
struct LayerGroup {
  std::string name;
  /// Scalars in its parameters.
  std::int64_t parameters = 0;
  /// Dotted names of its parameters.
  std::vector<std::string> names;
};

struct BackboneOptions {
  /// Values for arguments that are no tensors of the data: {{"sr", 16000}}.
  std::map<std::string, std::variant<bool, std::int64_t, double, std::string>> constants = {};
  /// Runs whatever code the file brings, as if it were a program; else only code that computes, and touches no files, sockets or processes.
  bool trust = false;
};

/// A pre-trained network, loaded and never changed: models on it share the storage of what they freeze, and own what they train.
/// Its forward runs in eval mode without gradients; recurrent state starts from the file's in each call.
class GRAFT_API Backbone {
 public:
  struct Argument {
    std::string name;
    /// As TorchScript writes it: "Tensor", "Optional[Tensor]", "int".
    std::string type;
    bool has_default = false;
  };

  /// Any TorchScript file: scripted, traced, or written by graft import. Loads to the CPU.
  /// Throws CheckpointError that says what the file is if it is none, or what is wrong with it if it is damaged or made to do harm.
  static Backbone load(const std::string& path, const BackboneOptions& options = {});
  explicit Backbone(const graph::Network& network, const BackboneOptions& options = {}, std::map<std::string, std::string> files = {});

  /// Outputs by name: "output" of a single tensor; "output.0", ... of a tuple; the keys of a dictionary. Fields bind to arguments by name,
  /// then by alias (docs/backbones.md lists them), else by order. Throws ModelError that shows the arguments if they do not fit.
  Fields operator()(const Fields& inputs) const;

  const std::vector<Argument>& arguments() const;
  /// In order of execution.
  const std::vector<LayerGroup>& groups() const;
  std::int64_t num_parameters() const;
  /// Of those, as the file says they require gradients; a freeze policy decides anew.
  std::int64_t num_trainable_as_saved() const;
  std::vector<std::string> method_names() const;
  /// Extra files of the archive, such as the tokenizer.json that graft import puts there.
  const std::map<std::string, std::string>& files() const;

  /// What is to be known before anything trains on it, obstacles first.
  const std::vector<Finding>& findings() const;
  /// Names of the parameters that a gradient of the outputs reaches.
  std::set<std::string> reached_by_gradient() const;
  /// A backbone with everything mended that can be, exactly where its findings do not say otherwise; its own findings are what is left.
  Backbone repair() const;

  /// A value inside the network that can be brought out.
  struct Tap {
    /// A module's dotted path: "layer2.0.conv1"; "relu#1" for an earlier call of a module that is called again; "lstm.output.0" of a tuple;
    /// "layer1.0.add0" for an operator, counted within its module.
    std::string name;
    bool is_module = true;
  };
  /// In order of execution. What is computed inside a branch or a loop cannot be brought out.
  std::vector<Tap> taps() const;
  /// A backbone whose outputs are these taps, or former outputs, by name. What comes after the last of them is gone, with its parameters.
  /// Throws ModelError with near names. Heads need no call of it: a model takes what its head's Feature::from names.
  Backbone features(const std::vector<std::string>& names) const;

  /// Writes a TorchScript archive with the same extra files. Throws SystemError if it cannot be written.
  void save(const std::string& path) const;

  /// For graft's own rooms.
  const graph::Network& network() const;
  /// As it was loaded, with the flags of its parameters.
  const graph::Network& source() const;
  const BackboneOptions& options() const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace graft
