#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <functional>
#include <string>
#include <unordered_map>

#include "graph/exported_program.h"

namespace graft::graph {

/// Calls `visit` with every value that the arguments of a node name.
void for_each_argument(const ExportedProgram::Node& node, const std::function<void(const std::string& value)>& visit);
/// The values that a node makes.
std::vector<std::string> results_of(const ExportedProgram::Node& node);

/// The operator behind a node's target, among those that TorchScript has.
class ExportedOperator {
 public:
  /// Throws CheckpointError (graft-K020) if there is none.
  ExportedOperator(const ExportedProgram::Node& node, const std::string& path);

  /// True for checks of shapes and ranges, which the exporter wrote and nobody reads.
  static bool is_check(const ExportedProgram::Node& node);
  /// True if it changes what it is given.
  bool writes() const;

  using Values = std::unordered_map<std::string, torch::jit::Value*>;
  /// Inserts it at the graph's insertion point: reads its arguments from `values` and adds its results.
  void insert(torch::jit::Graph& graph, Values& values) const;

 private:
  torch::jit::Value* argument(torch::jit::Graph& graph, const Json& given, const c10::TypePtr& type, const Values& values) const;
  torch::jit::Value* number(torch::jit::Graph& graph, const Json& given, const Values& values) const;
  [[noreturn]] void refuse(const std::string& what) const;

  const ExportedProgram::Node& node_;
  std::string path_;
  std::string kind_;
  const c10::FunctionSchema* schema_ = nullptr;
};

}  // namespace graft::graph
