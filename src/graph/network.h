#pragma once

#include <ATen/core/ivalue.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "graft/core/fields.h"

namespace torch::jit {
struct Module;
}

namespace graft::graph {

/// One argument of a network's forward, `self` left out.
struct Argument {
  /// Tensors, or a list, tuple or dictionary of them.
  enum class Kind { Tensor, OptionalTensor, List, Tuple, Dict, Other };
  std::string name;
  Kind kind = Kind::Other;
  /// The type as TorchScript writes it.
  std::string type;
  /// Of a tuple.
  std::size_t elements = 0;
  bool is_container() const { return kind == Kind::List || kind == Kind::Tuple || kind == Kind::Dict; }
  bool has_default() const { return default_value.has_value(); }
  std::optional<c10::IValue> default_value = std::nullopt;
};

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;
/// Says of a parameter's dotted name whether it trains.
using Trains = std::function<bool(const std::string& name)>;
using Files = std::map<std::string, std::string>;

/// Whose code may run. Files are checked for damage in either case.
enum class Trust {
  /// Only code that computes: nothing that touches files, sockets or processes.
  Checked,
  /// Any code that the file brings, as if it were a program.
  Code,
};

/// What a file tells beside the network.
struct Origin {
  /// Where its tensors lay when they were saved: "cpu", "cuda:0".
  std::set<std::string> devices;
  /// Made for the mobile interpreter.
  bool mobile = false;
  /// Of torch.export: sizes of inputs that the exporter wrote down as numbers, where data is likely to have others.
  struct FixedSize {
    std::string input;
    std::size_t dimension = 0;
    std::int64_t size = 0;
  };
  std::vector<FixedSize> fixed_sizes = {};
  /// A file of torch.export.
  bool exported = false;
};

/// A network as an opaque value: copies are handles on the same module tree. The other rooms know TorchScript by this class only.
class Network {
 public:
  explicit Network(torch::jit::Module module, Origin origin = {});

  /// Reads an archive to the CPU; `files` names extra files on entry and holds those that the archive has on return.
  /// Throws CheckpointError that says what the file is when it is no TorchScript, or what is wrong with it (see archive_check.h).
  static Network load(const std::string& path, Files* files = nullptr, Trust trust = Trust::Checked);
  /// Writes an archive atomically. Throws SystemError if it cannot be written.
  void save(const std::string& path, const Files& files = {}) const;

  /// Throws ModelError if there is no forward.
  std::vector<Argument> arguments() const;
  NamedTensors parameters() const;
  NamedTensors buffers() const;
  /// Names of parameters in the order in which forward first uses them; those it never uses follow as registered.
  std::vector<std::string> execution_order() const;
  std::vector<std::string> method_names() const;
  Network child(const std::string& name) const;

  /// A copy on the same classes. Tensors share their storage with the original, but for those that `trains` names: they are clones that
  /// require gradients. Where anything trains, buffers are clones too. Each copy has its own tensor objects, so requires_grad, gradients
  /// and device are its own; ties hold, and a tied tensor trains if one of its names does.
  Network instance(const Trains& trains) const;
  /// A copy with these tensors in the place of the parameters of that name, of any shape. Everything else is shared.
  Network with_tensors(const NamedTensors& tensors) const;
  /// Attributes that forward in eval mode changes, by dotted name: recurrent state, counters, caches.
  std::vector<std::string> state() const;
  bool is_stateful() const { return !state().empty(); }
  /// Gives attributes their values in `from`, a copy of this network: those of tensors are copied.
  void set_state(const Network& from, const std::vector<std::string>& names) const;
  /// A copy that shares the parameters and has buffers and attributes of its own.
  Network with_own_state() const;
  /// The mode of a training step in which nothing frozen moves (see training_flags.h).
  void train(const Trains& trains);
  void eval();
  void to(c10::Device device);

  /// What forward gives, by name: "output"; "output.0", "output.1", ... of a tuple or list; the keys of a dictionary; "output.0.1", "key.0"
  /// where these hold others. Throws ModelError with the cause, without the interpreter's trace.
  Fields operator()(std::vector<c10::IValue> arguments) const;

  const Origin& origin() const { return origin_; }
  torch::jit::Module& module() const { return *module_; }

 private:
  Origin origin_;
  std::shared_ptr<torch::jit::Module> module_;
};

/// The cause in a LibTorch error, without interpreter traces and backtraces.
std::string reason(const std::exception& error);

}  // namespace graft::graph
