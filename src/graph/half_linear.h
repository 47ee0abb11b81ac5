#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace graft::graph {

/// Linear layers of one input x [..., K], each with a weight [O, K] and, all or none of them, a bias [O]; gives [..., O] of each. In
/// float32 they are at::linear. Under autocast to bfloat16 on the CPU they are one product, forward and backward: the input and the weights
/// are cast once, results are bfloat16, gradients of weights float32. Rows are filled up to whole blocks, because oneDNN compiles a kernel
/// for each number of rows, and batches of texts have hundreds of them.
std::vector<at::Tensor> linears(const at::Tensor& x, const std::vector<at::Tensor>& weights, const std::vector<at::Tensor>& biases);

}  // namespace graft::graph
