#include "graph/dropout.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Dispatch.h>
#include <ATen/TensorIterator.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <mutex>

#include "graft/core/rng.h"

namespace graft::graph {
namespace {

constexpr double range = 65536;

/// Four decisions at a time, each by its own quarter of a random word.
template <class T>
void drop(const T* x, T* y, std::int64_t begin, std::int64_t end, std::uint64_t seed, std::uint16_t dropped, T scale) {
  const auto decide = [&](std::int64_t i, std::uint64_t word) {
    y[i] = static_cast<std::uint16_t>(word >> (16 * (i % 4))) >= dropped ? x[i] * scale : T(0);
  };
  const auto word_of = [&](std::int64_t i) { return Rng::word(seed, static_cast<std::uint64_t>(i / 4)); };
  std::int64_t i = begin;
  for (; i < end && i % 4 != 0; ++i) decide(i, word_of(i));
  for (; i + 4 <= end; i += 4) {
    const std::uint64_t word = word_of(i);
    for (int k = 0; k < 4; ++k) decide(i + k, word);
  }
  for (; i < end; ++i) decide(i, word_of(i));
}

std::uint16_t dropped_of(double p) { return static_cast<std::uint16_t>(std::min(std::round(p * range), range - 1)); }
double scale_of(std::uint16_t dropped) { return range / (range - static_cast<double>(dropped)); }

at::Tensor dropped_form(const at::Tensor& x, double p, std::uint64_t seed) {
  const at::Tensor from = x.contiguous();
  at::Tensor to = at::empty_like(from);
  const std::uint16_t dropped = dropped_of(p);
  const double scale = scale_of(dropped);
  // at::parallel_for runs in one thread unless it is compiled with OpenMP, as LibTorch is: its iterator has LibTorch's threads.
  at::TensorIterator pairs = at::TensorIteratorConfig().add_output(to).add_const_input(from).build();
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kBFloat16, at::kHalf, from.scalar_type(), "dropout", [&] {
    const auto* source = from.const_data_ptr<scalar_t>();
    auto* target = to.mutable_data_ptr<scalar_t>();
    const auto loop = [&](char** data, const std::int64_t* /*strides*/, std::int64_t inner, std::int64_t outer) {
      const std::int64_t begin = reinterpret_cast<scalar_t*>(data[0]) - target;
      drop(source, target, begin, begin + inner * outer, seed, dropped, at::Scalar(scale).to<scalar_t>());
    };
    pairs.for_each(loop, /*grain_size=*/16384);
  });
  return to;
}

class Dropout : public torch::autograd::Function<Dropout> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, double p, std::int64_t seed) {
    context->saved_data["p"] = p;
    context->saved_data["seed"] = seed;
    return dropped_form(x, p, static_cast<std::uint64_t>(seed));
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    const double p = context->saved_data["p"].toDouble();
    const auto seed = static_cast<std::uint64_t>(context->saved_data["seed"].toInt());
    return {dropped_form(gradients[0], p, seed), at::Tensor(), at::Tensor()};
  }
};

std::int64_t draw_seed() {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  return static_cast<std::int64_t>(at::check_generator<at::CPUGeneratorImpl>(generator)->random64());
}

}  // namespace

Dropping draw_dropping(double p) {
  if (p <= 0) return {};
  const std::uint16_t dropped = dropped_of(p);
  return {static_cast<std::uint64_t>(draw_seed()), dropped, static_cast<float>(scale_of(dropped))};
}

at::Tensor dropout(const at::Tensor& x, double p) {
  if (p <= 0 || p >= 1 || !x.is_cpu() || x.numel() == 0) return at::dropout(x, p, true);
  return Dropout::apply(x, p, draw_seed());
}

}  // namespace graft::graph
