#include "graph/row_blocks.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/runtime/custom_operator.h>

namespace graft::graph {
namespace {

namespace jit = torch::jit;

std::int64_t rounded(std::int64_t rows) { return (rows + row_block - 1) / row_block * row_block; }

std::int64_t rows_of(at::IntArrayRef sizes) {
  std::int64_t rows = 1;
  for (const std::int64_t size : sizes.slice(0, sizes.size() - 1)) rows *= size;
  return rows;
}

at::Tensor make(at::IntArrayRef sizes, const at::TensorOptions& options) {
  return at::empty({rounded(rows_of(sizes)), sizes.back()}, options);
}

/// Calls oneDNN's linear layer, of which the first `inputs` arguments have rows.
void linear(jit::Stack& stack, const c10::OperatorHandle& oneDNN, std::size_t inputs) {
  const std::size_t first = stack.size() - oneDNN.schema().arguments().size();
  const at::Tensor x = stack[first].toTensor();
  for (std::size_t i = 0; i < inputs; ++i) stack[first + i] = in_blocks(stack[first + i].toTensor());
  oneDNN.callBoxed(stack);
  std::vector<std::int64_t> sizes = x.sizes().vec();
  sizes.back() = stack.back().toTensor().size(-1);
  stack.back() = out_of_blocks(stack.back().toTensor(), sizes);
}

void layer_norm(jit::Stack& stack) {
  const auto eps = jit::pop(stack).toDouble();
  const auto bias = jit::pop(stack).toOptional<at::Tensor>(), weight = jit::pop(stack).toOptional<at::Tensor>();
  const at::Tensor x = jit::pop(stack).toTensor();
  jit::push(stack, out_of_blocks(at::layer_norm(in_blocks(x), {x.size(-1)}, weight, bias, eps), x.sizes()));
}

}  // namespace

at::Tensor in_blocks(const at::Tensor& x) {
  const std::int64_t rows = rows_of(x.sizes()), width = x.size(-1), wanted = rounded(rows);
  if (x.is_contiguous() && (x.storage_offset() + wanted * width) * static_cast<std::int64_t>(x.element_size()) <=
                               static_cast<std::int64_t>(x.storage().nbytes()))
    return x.as_strided({wanted, width}, {width, 1});
  at::Tensor matrix = make(x.sizes(), x.options());
  matrix.narrow(0, 0, rows).view(x.sizes()).copy_(x);
  return matrix;
}

at::Tensor out_of_blocks(const at::Tensor& matrix, at::IntArrayRef sizes) { return matrix.narrow(0, 0, rows_of(sizes)).view(sizes); }

at::Tensor empty_with_room(at::IntArrayRef sizes, const at::TensorOptions& options) { return out_of_blocks(make(sizes, options), sizes); }

const char* block_linear_operator() {
  static const auto oneDNN = c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_linear_pointwise", "");
  static const jit::RegisterOperators registered({jit::Operator(
      "graft::block_linear(Tensor x, Tensor weight, Tensor? bias, str attr, Scalar?[] scalars, str? algorithm) -> Tensor",
      [](jit::Stack& stack) { linear(stack, oneDNN, 1); }, c10::AliasAnalysisKind::FROM_SCHEMA)});
  return "graft::block_linear";
}

const char* block_linear_sum_operator() {
  static const auto oneDNN = c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_linear_pointwise", "binary");
  static const jit::RegisterOperators registered({jit::Operator(
      "graft::block_linear_sum(Tensor x, Tensor other, Tensor weight, Tensor? bias, str attr) -> Tensor",
      [](jit::Stack& stack) { linear(stack, oneDNN, 2); }, c10::AliasAnalysisKind::FROM_SCHEMA)});
  return "graft::block_linear_sum";
}

const char* block_layer_norm_operator() {
  static const jit::RegisterOperators registered(
      {jit::Operator("graft::block_layer_norm(Tensor x, Tensor? weight, Tensor? bias, float eps) -> Tensor", layer_norm,
                     c10::AliasAnalysisKind::FROM_SCHEMA)});
  return "graft::block_layer_norm";
}

}  // namespace graft::graph
