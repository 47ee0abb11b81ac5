#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/json.h"
#include "graph/archive.h"
#include "graph/network.h"

namespace graft::graph {

/// What a file of torch.export (.pt2) holds: https://docs.pytorch.org/docs/stable/export/pt2_archive.html, torch/_export/serde/schema.py.
struct ExportedProgram {
  struct Node {
    /// "torch.ops.aten.linear.default"
    std::string target, name;
    Json inputs, outputs;
    /// The modules whose code it is, from the outside in: key of the call, dotted path.
    std::vector<std::pair<std::string, std::string>> stack;
  };
  /// A parameter, buffer or constant that the graph reads under a name of its own.
  struct Held {
    std::string value, path;
    at::Tensor tensor;
    bool is_parameter = false;
  };
  struct Input {
    std::string value, name;
    bool is_number = false;
    /// Of whole numbers: tokens, so that their length varies as well.
    bool is_whole = false;
    /// Sizes as the exporter wrote them; -1 where they may differ.
    std::vector<std::int64_t> sizes;
  };
  std::vector<Held> held;
  std::vector<Input> inputs;
  std::vector<Node> nodes;
  /// Values that are given back, and the names of a dictionary's entries where it is one.
  std::vector<std::string> outputs, output_keys;
  /// Values that become the new content of a buffer, by its path.
  std::vector<std::pair<std::string, std::string>> buffer_updates;
};

/// True if the archive holds a program of torch.export.
bool is_exported_program(const Archive& archive);

/// Reads it; weights of 16 bits become float32. Throws CheckpointError: graft-K020 for what this form does not cover, with the place,
/// graft-K014 for a damaged file, graft-K017 for a tensor beyond its data.
ExportedProgram read_exported_program(const Archive& archive);

/// Throws the CheckpointError of graft-K020: "WHAT, in PLACE."
[[noreturn]] void refuse_export(const std::string& path, const std::string& what, const std::string& remedy);

/// The type that the serializer calls by this number; those of 16 bits become float32.
at::ScalarType exported_type(std::int64_t number, const std::string& path);

}  // namespace graft::graph
