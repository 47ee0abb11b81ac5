#include "graph/policy.h"

#include <torch/csrc/jit/frontend/builtin_functions.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <array>

namespace graft::graph {
namespace {

// Chosen from all operators that LibTorch 2.11 registers (torch::jit::getAllOperators: 4331 overloads in 23 namespaces).
constexpr std::array<std::string_view, 15> known_namespaces = {
    "aten",   "prim", "quantized", "_quantized", "quantized_decomposed", "quantization", "prepacked", "mkldnn", "mkldnn_prepacked",
    "onednn", "mkl",  "onnx",      "sparse",     "torchvision",          "profiler"};

constexpr std::array<std::string_view, 5> known_class_namespaces = {"quantized", "xnnpack", "mkldnn", "sparse", "rnn"};

constexpr std::array<std::string_view, 15> forbidden_operators = {
    // Write a file; map a file, for writing too.
    "save", "from_file",
    // Take offsets, strides or indices at their word, which gives a view of memory that belongs to nobody.
    "_reshape_alias", "_reshape_alias_copy", "_nested_view_from_buffer", "_nested_view_from_buffer_copy", "_nested_view_from_jagged",
    "_nested_view_from_jagged_copy", "_coalesced_", "_sparse_coo_tensor_unsafe", "_sparse_compressed_tensor_unsafe",
    "_sparse_csr_tensor_unsafe", "_sparse_csc_tensor_unsafe", "_sparse_bsr_tensor_unsafe", "_sparse_bsc_tensor_unsafe"};

bool contains(const auto& names, std::string_view name) { return std::ranges::find(names, name) != names.end(); }

}  // namespace

bool is_forbidden_operator(std::string_view name) { return contains(forbidden_operators, name); }
bool is_known_namespace(std::string_view space) { return contains(known_namespaces, space); }
bool is_known_class_namespace(std::string_view space) { return contains(known_class_namespaces, space); }

std::string objection(std::string_view space, std::string_view name) {
  if (!is_known_namespace(space)) return "is not one of those that are known to do nothing but compute";
  if (is_forbidden_operator(name)) return "touches files or memory beyond its tensors";
  return {};
}

std::string forbidden_class(std::string_view text) {
  constexpr std::string_view prefix = "torch.classes.";
  for (std::size_t at = text.find(prefix); at != std::string_view::npos; at = text.find(prefix, at + 1)) {
    const std::string_view rest = text.substr(at + prefix.size());
    // LibTorch reads "module\nname" of a pickle as "module.name".
    const std::string_view space = rest.substr(0, rest.find_first_of(".\n ,[]"));
    if (!is_known_class_namespace(space)) return std::string(prefix) + std::string(space);
  }
  return {};
}

bool operator_exists(const std::string& space, const std::string& name) {
  const auto symbol = c10::Symbol::fromQualString(space + "::" + name);
  return !torch::jit::getAllOperatorsFor(symbol).empty() || !torch::jit::getAllBuiltinFunctionsFor(symbol).empty();
}

}  // namespace graft::graph
