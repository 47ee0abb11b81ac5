#include "graph/half_linear.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

namespace graft::graph {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows of a block; a product has a whole number of them.
constexpr std::int64_t block_rows = 64;

std::int64_t rows_of(at::IntArrayRef sizes) {
  std::int64_t rows = 1;
  for (const std::int64_t size : sizes.slice(0, sizes.size() - 1)) rows *= size;
  return rows;
}

std::int64_t whole_blocks(std::int64_t rows) { return (rows + block_rows - 1) / block_rows * block_rows; }

std::vector<std::int64_t> with_width(at::IntArrayRef sizes, std::int64_t width) {
  std::vector<std::int64_t> changed = sizes.vec();
  changed.back() = width;
  return changed;
}

/// Tensors [..., W] of equal leading sizes side by side as one bfloat16 matrix of whole blocks, filled up with zeros.
at::Tensor in_half_blocks(at::TensorList parts, at::IntArrayRef sizes, const std::vector<std::int64_t>& widths) {
  const std::int64_t rows = rows_of(sizes), whole = whole_blocks(rows);
  const at::Tensor& first = parts.front();
  if (parts.size() == 1 && rows == whole && first.scalar_type() == at::kBFloat16 && first.is_contiguous())
    return first.view({rows, widths.front()});
  std::int64_t width = 0;
  for (const std::int64_t part : widths) width += part;
  at::Tensor matrix = at::empty({whole, width}, at::TensorOptions(at::kBFloat16));
  if (rows < whole) matrix.narrow(0, rows, whole - rows).zero_();
  std::int64_t start = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    matrix.narrow(0, 0, rows).narrow(1, start, widths[i]).view(with_width(sizes, widths[i])).copy_(parts[i]);
    start += widths[i];
  }
  return matrix;
}

/// One below the other.
at::Tensor joined_in_half(at::TensorList parts) {
  if (parts.size() == 1) return parts.front().to(at::kBFloat16);
  std::int64_t rows = 0;
  for (const at::Tensor& part : parts) rows += part.size(0);
  std::vector<std::int64_t> sizes = parts.front().sizes().vec();
  sizes.front() = rows;
  const at::Tensor whole = at::empty(sizes, at::TensorOptions(at::kBFloat16));
  std::int64_t start = 0;
  for (const at::Tensor& part : parts) {
    whole.narrow(0, start, part.size(0)).copy_(part);
    start += part.size(0);
  }
  return whole;
}

class HalfLinears : public torch::autograd::Function<HalfLinears> {
 public:
  /// The input, `count` weights, and as many biases or none.
  static variable_list forward(AutogradContext* context, at::TensorList inputs, std::int64_t count) {
    const c10::impl::ExcludeDispatchKeyGuard without_autocast(c10::DispatchKey::AutocastCPU);
    const auto layers = static_cast<std::size_t>(count);
    const at::Tensor& x = inputs[0];
    const at::TensorList weights = inputs.slice(1, layers), biases = inputs.slice(1 + layers);
    const at::Tensor rows = in_half_blocks(inputs.slice(0, 1), x.sizes(), {x.size(-1)}), weight = joined_in_half(weights);
    const at::Tensor y = at::linear(rows, weight, biases.empty() ? std::optional<at::Tensor>() : joined_in_half(biases));
    context->save_for_backward({rows, weight});
    context->saved_data["sizes"] = x.sizes().vec();
    context->saved_data["has_biases"] = !biases.empty();
    context->saved_data["is_half"] = x.scalar_type() == at::kBFloat16;
    std::vector<std::int64_t> widths;
    variable_list results;
    std::int64_t start = 0;
    for (const at::Tensor& part : weights) {
      widths.push_back(part.size(0));
      results.push_back(y.narrow(0, 0, rows_of(x.sizes())).narrow(1, start, widths.back()).view(with_width(x.sizes(), widths.back())));
      start += widths.back();
    }
    context->saved_data["widths"] = widths;
    return results;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto sizes = context->saved_data["sizes"].toIntVector(), widths = context->saved_data["widths"].toIntVector();
    const variable_list saved = context->get_saved_variables();
    const std::size_t layers = widths.size();
    const at::Tensor gradient = in_half_blocks(gradients, sizes, widths);
    const bool has_biases = context->saved_data["has_biases"].toBool();
    const auto wanted = [&](std::size_t first, std::size_t count) {
      bool any = false;
      for (std::size_t i = first; i < first + count; ++i) any |= context->needs_input_grad(i);
      return any;
    };
    variable_list results(1 + layers + (has_biases ? layers : 0) + 1);  // the last for their number
    if (wanted(0, 1)) {
      const at::Tensor rows = at::mm(gradient, saved[1]).narrow(0, 0, rows_of(sizes)).view(sizes);
      results[0] = context->saved_data["is_half"].toBool() ? rows : rows.to(at::kFloat);
    }
    const auto share_out = [&](std::size_t first, const at::Tensor& whole) {
      std::int64_t start = 0;
      for (std::size_t i = 0; i < layers; ++i) {
        results[first + i] = whole.narrow(0, start, widths[i]);
        start += widths[i];
      }
    };
    if (wanted(1, layers)) share_out(1, at::mm(gradient.t(), saved[0]).to(at::kFloat));
    if (has_biases && wanted(1 + layers, layers)) share_out(1 + layers, gradient.sum({0}, false, at::kFloat));
    return results;
  }
};

bool in_half(const at::Tensor& x, const std::vector<at::Tensor>& weights, const std::vector<at::Tensor>& biases) {
  if (!x.is_cpu() || !at::autocast::is_autocast_enabled(at::kCPU) || at::autocast::get_autocast_dtype(at::kCPU) != at::kBFloat16)
    return false;
  const auto is_float = [](const at::Tensor& tensor) { return tensor.scalar_type() == at::kFloat; };
  return (is_float(x) || x.scalar_type() == at::kBFloat16) && x.dim() > 1 && x.numel() > 0 && std::ranges::all_of(weights, is_float) &&
         std::ranges::all_of(biases, is_float);
}

}  // namespace

std::vector<at::Tensor> linears(const at::Tensor& x, const std::vector<at::Tensor>& weights, const std::vector<at::Tensor>& biases) {
  if (!in_half(x, weights, biases)) {
    std::vector<at::Tensor> results;
    for (std::size_t i = 0; i < weights.size(); ++i)
      results.push_back(at::linear(x, weights[i], biases.empty() ? std::optional<at::Tensor>() : biases[i]));
    return results;
  }
  std::vector<at::Tensor> inputs{x};
  inputs.insert(inputs.end(), weights.begin(), weights.end());
  inputs.insert(inputs.end(), biases.begin(), biases.end());
  return HalfLinears::apply(at::TensorList(inputs), static_cast<std::int64_t>(weights.size()));
}

}  // namespace graft::graph
