#include "graph/fast_form.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/frozen_graph_optimizations.h>

#include <algorithm>

#include "graph/fast_attention.h"
#include "graph/fast_layers.h"
#include "graph/flat.h"
#include "graph/frozen_graph.h"
#include "graph/half_layers.h"

namespace graft::graph {
namespace {

// Rounding in another order gives 1e-6 or so, to bfloat16 a few times 1e-3, a wrong rewrite far more.
double largest_difference(const Kernels& kernels) { return kernels.bfloat16 ? 2e-2 : 1e-4; }

bool lies_on_cpu(const Network& network) {
  for (const auto& tensors : {network.parameters(), network.buffers()}) {
    if (!std::ranges::all_of(tensors, [](const auto& named) { return named.second.is_cpu(); })) return false;
  }
  return true;
}

Network rewritten(const Network& network, Kernels kernels) {
  auto graph = frozen_graph(network);
  torch::jit::OptimizeFrozenGraph(graph, /*optimize_numerics=*/true);
  join_attention(*graph);
  if (kernels.bfloat16) use_bfloat16(*graph);
  if (lies_on_cpu(network)) {
    torch::jit::EliminateDeadCode(graph);  // the passes ask who reads a value
    shorten_attention(*graph);
    if (kernels.onednn_linears) merge_linears(*graph);
    torch::jit::EliminateDeadCode(graph);
    if (kernels.onednn_linears) {
      pack_linears(*graph);
      block_norms(*graph);
    }
    if (at::Context::hasMKLDNN()) pack_convolutions(*graph);
  }
  return network_of(graph, network);
}

/// True if all outputs are equal within `limit`, relative to the largest value of each.
bool agree(const Fields& expected, const Fields& found, double limit) {
  for (const auto& [name, tensor] : expected) {
    const at::Tensor* other = found.find(name);
    if (other == nullptr || other->sizes() != tensor.sizes()) return false;
    if (tensor.numel() == 0) continue;
    if (!tensor.is_floating_point()) {
      if (!tensor.equal(*other)) return false;
      continue;
    }
    const double size = tensor.abs().max().item<double>(), apart = (tensor - *other).abs().max().item<double>();
    // Also false for what is not a number.
    if (!(apart <= limit * size)) return false;
  }
  return true;
}

/// An example of zeros cancels in the network down to its rounding: where values are all the same, others are drawn.
std::vector<c10::IValue> telling(std::vector<c10::IValue> example) {
  at::Generator generator = at::detail::createCPUGenerator(1);
  for (c10::IValue& value : example) {
    if (!value.isTensor() || !value.toTensor().is_floating_point() || value.toTensor().numel() < 2) continue;
    const at::Tensor& tensor = value.toTensor();
    if (tensor.min().equal(tensor.max())) value = at::randn(tensor.sizes(), generator, tensor.scalar_type()).to(tensor.device());
  }
  return example;
}

}  // namespace

Kernels Kernels::of_processor(bool bfloat16) {
#if defined(__x86_64__)
  return {.onednn_linears = at::Context::hasMKLDNN() && __builtin_cpu_supports("avx512f") != 0, .bfloat16 = bfloat16};
#else
  return {.bfloat16 = bfloat16};
#endif
}

bool is_fast_at_bfloat16(c10::Device device) {
  // The one question of this kind that LibTorch answers without CUDA's headers; it asks for compute capability 8.
  if (device.is_cuda()) return at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8();
#if defined(__x86_64__)
  return device.is_cpu() && at::Context::hasMKLDNN() && __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

FastForm fast_form(const Network& network, const std::vector<c10::IValue>& example, Kernels kernels) {
  const c10::NoGradGuard no_grad;
  if (network.is_stateful()) return {std::nullopt, "the network keeps a state from call to call"};
  try {
    Network fast = rewritten(network, kernels);
    const std::vector<c10::IValue> inputs = telling(example);
    if (!agree(network(inputs), fast(inputs), largest_difference(kernels))) return {std::nullopt, "its outputs differ"};
    return {std::move(fast), ""};
  } catch (const std::exception& error) {
    return {std::nullopt, reason(error)};
  }
}

}  // namespace graft::graph
