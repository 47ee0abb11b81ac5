#include "graft/data/tensor_inputs.h"

#include <ATen/ATen.h>

#include "core/json.h"

namespace graft {

TensorInputs::TensorInputs(Fields example) : example_(std::move(example)) {}

TensorInputs TensorInputs::from_config(const Json& config) {
  Fields example;
  for (const Json& input : config.at("inputs")) {
    const auto shape = input.at("shape").get<std::vector<std::int64_t>>();
    example.set(input.at("name"), at::zeros(shape, input.at("integer").get<bool>() ? at::kLong : at::kFloat));
  }
  return TensorInputs(std::move(example));
}

std::vector<Sample> TensorInputs::operator()(const Record& record, Rng&, Mode) const {
  Sample sample;
  for (const auto& [name, like] : example_) sample.inputs.set(name, record.tensor(name));
  return {std::move(sample)};
}

Record TensorInputs::example() const {
  Record record{{}, "example"};
  for (const auto& [name, tensor] : example_) record.values.emplace(name, tensor);
  return record;
}

Json TensorInputs::config() const {
  Json inputs = Json::array();
  for (const auto& [name, tensor] : example_) {
    inputs.push_back({{"name", name}, {"shape", tensor.sizes().vec()}, {"integer", !tensor.is_floating_point()}});
  }
  return {{"type", "tensors"}, {"inputs", inputs}};
}

}  // namespace graft
