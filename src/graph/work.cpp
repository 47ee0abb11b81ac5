#include "graph/work.h"

#include <ATen/ATen.h>
#include <ATen/record_function.h>

#include <string_view>

namespace graft::graph {
namespace {

thread_local std::int64_t counted = 0;

std::int64_t numel(at::IntArrayRef sizes) { return c10::multiply_integers(sizes); }

const at::Tensor& tensor(c10::ArrayRef<const c10::IValue> inputs, std::size_t i) { return inputs[i].toTensor(); }

/// Of an operator that does the work itself; composite ones call these.
std::int64_t work_of(std::string_view name, c10::ArrayRef<const c10::IValue> inputs) {
  if (name == "aten::mm" || name == "aten::bmm" || name == "aten::mv")
    return numel(tensor(inputs, 0).sizes()) * (name == "aten::mv" ? 1 : tensor(inputs, 1).size(-1));
  if (name == "aten::addmm" || name == "aten::baddbmm") return numel(tensor(inputs, 1).sizes()) * tensor(inputs, 2).size(-1);
  if (name == "aten::mkldnn_rnn_layer") {  // input [T, N, D], weights of gates [G, D] and [G, H]
    const at::Tensor& x = tensor(inputs, 0);
    return x.size(0) * x.size(1) * (tensor(inputs, 1).numel() + tensor(inputs, 2).numel());
  }
  if (name == "aten::_scaled_dot_product_flash_attention_for_cpu" || name == "aten::_scaled_dot_product_flash_attention" ||
      name == "aten::_scaled_dot_product_efficient_attention") {
    const at::Tensor &q = tensor(inputs, 0), &k = tensor(inputs, 1), &v = tensor(inputs, 2);
    return numel(q.sizes()) * k.size(-2) + q.numel() / q.size(-1) * k.size(-2) * v.size(-1);
  }
  return 0;
}

/// A convolution that has begun: its result tells how often the kernel is laid on, its inputs are gone by then.
struct Convolution final : at::ObserverContext {
  std::int64_t kernel = 0, input = 0;
  bool transposed = false;
};

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& call) {
  // TorchScript's interpreter shows its whole stack, on which the arguments come last.
  const auto inputs = call.inputs().slice(call.inputs().size() - call.num_inputs());
  counted += work_of(call.name(), inputs);
  // Traces call it, and aten::conv2d and its kin end in it.
  if (std::string_view(call.name()) != "aten::_convolution") return nullptr;
  auto convolution = std::make_unique<Convolution>();
  convolution->kernel = tensor(inputs, 1).numel() / tensor(inputs, 1).size(0);
  convolution->input = tensor(inputs, 0).numel();
  convolution->transposed = inputs[6].toBool();
  return convolution;
}

void end(const at::RecordFunction& call, at::ObserverContext* context) {
  const auto* convolution = static_cast<const Convolution*>(context);
  if (convolution == nullptr || call.outputs().empty() || !call.outputs()[0].isTensor()) return;
  counted += convolution->kernel * (convolution->transposed ? convolution->input : call.outputs()[0].toTensor().numel());
}

}  // namespace

std::int64_t multiply_adds(const std::function<void()>& run) {
  counted = 0;
  const auto handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback(begin, end).needsInputs(true).needsOutputs(true).scopes({at::RecordScope::FUNCTION}));
  try {
    run();
  } catch (...) {
    at::removeCallback(handle);
    throw;
  }
  at::removeCallback(handle);
  return counted;
}

}  // namespace graft::graph
