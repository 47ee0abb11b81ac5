#include "halves.h"

#include <c10/core/GradMode.h>

#include <algorithm>

#include "graph/builder.h"

namespace graft::test {

graph::Network network_of(const std::string& code, const std::vector<std::pair<std::string, at::Tensor>>& weights) {
  graph::Builder builder("Toy");
  for (const auto& [name, tensor] : weights) builder.parameter(name, tensor);
  return builder.define(code).network();
}

std::vector<c10::IValue> inputs_of(const std::string& name, std::int64_t rows) {
  at::manual_seed(7);
  if (name == "bert") {
    at::Tensor mask = at::ones({rows, 7}, at::kLong);
    mask[rows - 1].narrow(0, 4, 3).zero_();
    return {at::randint(0, 40, {rows, 7}, at::kLong), mask};
  }
  if (name == "roberta") {  // 1 is padding
    at::Tensor ids = at::randint(4, 600, {rows, 7}, at::kLong);
    ids[rows - 1].narrow(0, 4, 3).fill_(1);
    return {ids, (ids != 1).to(at::kLong)};
  }
  if (name == "lstm" || name == "tied") return {at::randint(0, 20, {rows, 7}, at::kLong)};
  const std::int64_t side = name == "vit" ? 8 : 12;
  return {at::randn({rows, 3, side, side})};
}

std::vector<std::string> parts(const graph::Network& network) {
  std::vector<std::string> found;
  for (const std::string& name : network.execution_order()) {
    const std::string part = name.substr(0, name.rfind('.'));
    if (std::ranges::find(found, part) == found.end()) found.push_back(part);
  }
  return found;
}

Step step(const graph::Network& network, const std::function<at::Tensor()>& run) {
  at::manual_seed(3);
  Step taken;
  taken.output = run();
  taken.output.pow(2).mean().backward();
  for (const auto& [name, tensor] : network.parameters()) {
    taken.gradients.push_back(tensor.grad().defined() ? tensor.grad().clone() : at::Tensor());
    if (!tensor.grad().defined()) continue;
    const c10::NoGradGuard no_grad;
    at::Tensor(tensor).sub_(tensor.grad() * (tensor.grad().abs().max() + 1e-9).reciprocal() * 1e-3);
    at::Tensor(tensor).mutable_grad().reset();
  }
  for (const auto& [name, tensor] : network.buffers()) taken.buffers.push_back(tensor.clone());
  taken.output = taken.output.detach();
  return taken;
}

std::vector<c10::IValue> arguments_of(const graph::Network& network, const graph::Split& split, const std::vector<c10::IValue>& inputs,
                                      const Fields& cut) {
  std::vector<c10::IValue> arguments;
  const auto known = network.arguments();
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (std::ranges::find(split.arguments, known[i].name) != split.arguments.end()) arguments.push_back(inputs[i]);
  }
  for (const std::string& name : split.cut) arguments.emplace_back(cut[name]);
  return arguments;
}

std::set<std::string> above(const graph::Network& source, const std::vector<std::string>& order, std::size_t frozen) {
  const std::set<std::string> below(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(frozen));
  std::set<std::string> names;
  for (const auto& [parameter, tensor] : source.parameters()) {
    if (!below.contains(parameter.substr(0, parameter.rfind('.')))) names.insert(parameter);
  }
  return names;
}

}  // namespace graft::test
