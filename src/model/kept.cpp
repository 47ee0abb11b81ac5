#include <ATen/ATen.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include <algorithm>
#include <functional>

#include "core/hash.h"
#include "core/json.h"
#include "graft/model/model.h"
#include "graph/fingerprint.h"
#include "model/state.h"

namespace graft {
namespace {

// In the form exact: LibTorch's products and convolutions take other kernels for 1 to 3 rows, and those of 8 are equal to the bit in any
// company.
constexpr std::int64_t exact_samples = 8;

/// `run` on so many samples at a time, the last of them filled up with repeats.
Fields in_exact_batches(const Fields& inputs, const std::function<Fields(const Fields&)>& run) {
  const std::int64_t size = inputs.begin()->second.size(0);
  std::vector<Fields> parts;
  for (std::int64_t start = 0; start < size; start += exact_samples) {
    const at::Tensor index = at::arange(start, start + exact_samples).clamp_max(size - 1);
    const Fields values = run(rows(inputs, index));
    Fields part;
    for (const auto& [name, tensor] : values) {
      // What belongs to no single sample is left as it is, to be refused.
      const bool one_each = tensor.dim() > 0 && tensor.size(0) == exact_samples;
      part.set(name, one_each ? tensor.narrow(0, 0, std::min(exact_samples, size - start)) : tensor);
    }
    parts.push_back(std::move(part));
  }
  if (parts.size() == 1) return parts.front();
  Fields whole;
  for (const auto& [name, tensor] : parts.front()) {
    std::vector<at::Tensor> pieces;
    for (const Fields& part : parts) pieces.push_back(part[name]);
    whole.set(name, tensor.dim() > 0 ? at::cat(pieces) : tensor);
  }
  return whole;
}

}  // namespace

Fields Model::kept(const Fields& inputs) const {
  const auto run = [&](const Fields& batch) { return backbone_trains() ? cut(batch) : features(batch); };
  Fields values = state_->prefix_form == PrefixForm::Exact ? in_exact_batches(inputs, run) : run(inputs);
  std::vector<std::string> arguments;
  for (const graph::Argument& argument : state_->network.arguments()) arguments.push_back(argument.name);
  std::vector<std::string> taken = state_->binding.fields(arguments);
  taken.push_back(state_->preprocess->padding().mask);
  for (const auto& [name, tensor] : inputs) {
    if (std::ranges::find(taken, name) == taken.end() && !values.has(name)) values.set(name, tensor);
  }
  return values;
}

bool Model::keeps_rows() const { return !backbone_trains() && !state_->ragged; }

std::string Model::fingerprint() const {
  if (!state_->fingerprint.empty()) return state_->fingerprint;
  Hash hash;
  hash.add(graph::fingerprint(state_->halves.split ? state_->halves.split->prefix : state_->network));
  // The same weights give other bits by other kernels.
  hash.add(TORCH_VERSION).add(at::get_cpu_capability()).add(c10::DeviceTypeName(state_->device.type()));
  hash.add(state_->prefix_form == PrefixForm::Exact ? "exact" : "fast").add(precision_name(state_->precision));
  for (const auto& [name, value] : state_->backbone.options().constants) {
    std::visit([&](const auto& constant) { hash.add(name + "=" + Json(constant).dump()); }, value);
  }
  hash.add(state_->preprocess->config().dump());
  for (const auto& [name, content] : state_->preprocess->files()) hash.add(name).add(content);
  for (const Feature& feature : state_->head->reads()) {
    hash.add(feature.from).add(feature.mask);
    // Above the line pooling belongs to what trains.
    if (backbone_trains()) continue;
    hash.add(feature.name).add(pooling_name(feature.pooling));
    if (feature.unit_length) hash.add("unit length");
  }
  return state_->fingerprint = hash.hex();
}

}  // namespace graft
