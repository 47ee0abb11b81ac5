#pragma once

#include <ATen/core/Tensor.h>

namespace graft::graph {

/// oneDNN compiles a kernel for each number of rows that it meets, which takes up to 2 ms and some hundred KB. Batches of texts have a
/// hundred numbers of rows; rounded up to blocks, few are left. The rows in between are computed and never read.
constexpr std::int64_t row_block = 32;

/// The rows of x [..., K] as a matrix of whole blocks [R, K], of which the last rows may hold anything. Without a copy where there is room
/// behind x.
at::Tensor in_blocks(const at::Tensor& x);

/// The rows of a matrix of whole blocks that a tensor of these sizes has, in its shape. It keeps the room behind it.
at::Tensor out_of_blocks(const at::Tensor& matrix, at::IntArrayRef sizes);

/// Memory for a result of these sizes, with room behind it.
at::Tensor empty_with_room(at::IntArrayRef sizes, const at::TensorOptions& options);

/// Operators for graphs, known to TorchScript by these names: oneDNN's linear layer with an activation (its arguments), with a sum
/// (likewise), and aten::layer_norm over the last dimension, all on whole blocks.
const char* block_linear_operator();
const char* block_linear_sum_operator();
const char* block_layer_norm_operator();

}  // namespace graft::graph
