#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "graft/backbone/backbone.h"
#include "graph/composite.h"
#include "graph/network.h"
#include "graph/split.h"

namespace graft::backbone {

/// Which field of a batch goes to which argument of a network.
class Binding {
 public:
  /// `fields` are the names that batches may have. By name, then by alias, then what
  /// is left over by order. Throws ModelError that shows arguments and fields if a required argument is left over.
  Binding(const graph::Network& network, const BackboneOptions& options, const std::vector<std::string>& fields);

  /// Arguments for one call. A field that this batch lacks (the mask of a batch without padding) is None where the argument is optional,
  /// and ones like the first field's [N, L] where it is not.
  std::vector<c10::IValue> arguments(const Fields& batch) const;

  /// The same for these arguments only, in the order of the network's.
  std::vector<c10::IValue> arguments(const Fields& batch, const std::vector<std::string>& names) const;
  /// The fields that these arguments are bound to.
  std::vector<std::string> fields(const std::vector<std::string>& names) const;

  bool reads(const std::string& field) const { return std::ranges::find(slots_, field, &Slot::field) != slots_.end(); }

  /// Arguments that no field reaches, with their values.
  graph::Constants constants() const;

  /// Fields that reach an argument of another name, as text for the log; empty if all bind by name.
  std::string description() const;

  /// The inputs of a composite network, and the backbone's arguments as expressions over them. `mask` names a field that may be absent.
  graph::CompositeSpec composite(const std::string& mask) const;

 private:
  struct Slot {
    graph::Argument argument;
    std::string field;               // empty: `constant`, or `parts`
    std::vector<std::string> parts;  // of a list, tuple or dictionary: "pair.0", "pair.1"
    c10::IValue constant;
    std::string constant_source;
  };
  static c10::IValue value(const Slot& slot, const Fields& batch);
  std::vector<std::string> parts_of(const graph::Argument& argument, const std::vector<std::string>& fields) const;
  std::vector<Slot> slots_;
};

}  // namespace graft::backbone
