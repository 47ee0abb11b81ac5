#include "graph/segments.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <map>
#include <memory>
#include <set>

#include "core/autocast_state.h"
#include "graph/training_form.h"

namespace graft::graph {
namespace {

std::vector<std::string> names_of(const Network& network) {
  std::vector<std::string> names;
  for (const Argument& argument : network.arguments()) names.push_back(argument.name);
  return names;
}

/// One call of a segment: what its second run needs.
struct Call final : torch::CustomClassHolder {
  Call(Network segment, std::vector<c10::IValue> given, std::vector<std::string> names)
      : network(std::move(segment)), arguments(std::move(given)), outputs(std::move(names)) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      if (arguments[i].isTensor()) tensors.push_back(i);
    }
  }

  std::vector<at::Tensor> inputs() const {
    std::vector<at::Tensor> values;
    for (const std::size_t i : tensors) values.push_back(arguments[i].toTensor());
    return values;
  }

  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) const {
    std::vector<c10::IValue> given = arguments;
    for (std::size_t i = 0; i < tensors.size(); ++i) given[tensors[i]] = inputs[i];
    const Fields fields = network(std::move(given));
    std::vector<at::Tensor> values;
    for (const std::string& name : outputs) values.push_back(fields[name]);
    return values;
  }

  Network network;
  std::vector<c10::IValue> arguments;  // tensors without their history
  std::vector<std::string> outputs;
  std::vector<std::size_t> tensors;  // places of tensors among the arguments
};

at::Generator generator_of(const std::vector<at::Tensor>& inputs) {
  return at::globalContext().defaultGenerator(inputs.empty() ? at::Device(at::kCPU) : inputs.front().device());
}

class Again : public torch::autograd::Function<Again> {
 public:
  /// `wanted` requires a gradient, so that there is a backward pass even where no input does.
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context, const c10::IValue& call,
                                                const at::Tensor& /*wanted*/, at::TensorList inputs) {
    const std::vector<at::Tensor> values = inputs.vec();
    const at::DeviceType device = values.empty() ? at::kCPU : values.front().device().type();
    context->saved_data["call"] = call;
    context->saved_data["random"] = generator_of(values).get_state();
    context->saved_data["autocast"] = at::autocast::is_autocast_enabled(device);
    context->saved_data["type"] = static_cast<std::int64_t>(at::autocast::get_autocast_dtype(device));
    context->save_for_backward(values);
    torch::autograd::variable_list outputs = as_call(call).run(values), fixed;
    for (const at::Tensor& output : outputs) {
      if (!output.is_floating_point()) fixed.push_back(output);
    }
    context->mark_non_differentiable(fixed);
    return outputs;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    std::vector<at::Tensor> inputs;
    for (const at::Tensor& saved : context->get_saved_variables()) {
      at::Tensor input = saved.detach();
      if (saved.is_floating_point()) input.requires_grad_(saved.requires_grad());
      inputs.push_back(std::move(input));
    }
    at::Generator generator = generator_of(inputs);
    const at::Tensor now = generator.get_state();
    generator.set_state(context->saved_data["random"].toTensor());
    std::vector<at::Tensor> outputs;
    {
      const c10::AutoGradMode on(true);
      // As in the first run: this one may come when it is off.
      const AutocastState autocast(inputs.empty() ? at::kCPU : inputs.front().device().type(), context->saved_data["autocast"].toBool(),
                                   static_cast<at::ScalarType>(context->saved_data["type"].toInt()));
      outputs = as_call(context->saved_data["call"]).run(inputs);
    }
    generator.set_state(now);
    std::vector<at::Tensor> roots, their_gradients;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i].requires_grad() || !gradients[i].defined()) continue;
      roots.push_back(outputs[i]);
      their_gradients.push_back(gradients[i]);
    }
    if (!roots.empty()) torch::autograd::backward(roots, their_gradients);
    torch::autograd::variable_list result{at::Tensor(), at::Tensor()};
    for (const at::Tensor& input : inputs) result.push_back(input.grad());
    return result;
  }

 private:
  static const Call& as_call(const c10::IValue& capsule) { return *c10::static_intrusive_pointer_cast<Call>(capsule.toCapsule()); }
};

}  // namespace

Segments::Segments(const Network& network, const std::vector<std::vector<std::string>>& groups)
    : last_(network), names_(names_of(network)) {
  last_inputs_ = names_;
  std::set<std::string> above;
  for (const auto& group : groups) above.insert(group.begin(), group.end());
  if (!has_batch_statistics(network)) {
    for (std::size_t i = 0; i + 1 < groups.size(); ++i) {
      for (const std::string& name : groups[i]) above.erase(name);
      SplitResult halves = split(
          last_, [&](const std::string& name) { return above.contains(name); }, {}, Below::Training);
      if (!halves.split) continue;
      parts_.push_back({training_form(halves.split->prefix), last_inputs_, halves.split->cut});
      last_ = std::move(halves.split->suffix);
      last_inputs_ = halves.split->arguments;
      last_inputs_.insert(last_inputs_.end(), halves.split->cut.begin(), halves.split->cut.end());
    }
  }
  last_ = training_form(last_);
}

Fields Segments::operator()(const std::vector<c10::IValue>& arguments) const {
  std::map<std::string, c10::IValue> known;
  for (std::size_t i = 0; i < names_.size(); ++i) known[names_[i]] = arguments.at(i);
  const auto given = [&](const std::vector<std::string>& names) {
    std::vector<c10::IValue> values;
    for (const std::string& name : names) values.push_back(known.at(name));
    return values;
  };
  for (const Part& part : parts_) {
    const auto call = c10::make_intrusive<Call>(part.network, given(part.inputs), part.cut);
    const std::vector<at::Tensor> inputs = call->inputs();
    for (const std::size_t place : call->tensors) call->arguments[place] = c10::IValue();  // the inputs are saved, without a cycle
    const at::Tensor wanted = at::empty({0}).requires_grad_(true);
    const auto outputs = Again::apply(c10::IValue::make_capsule(call), wanted, at::TensorList(inputs));
    for (std::size_t i = 0; i < part.cut.size(); ++i) known[part.cut[i]] = outputs[i];
  }
  return last_(given(last_inputs_));
}

void Segments::train(const Trains& trains) {
  for (Part& part : parts_) part.network.train(trains);
  last_.train(trains);
}

void Segments::eval() {
  for (Part& part : parts_) part.network.eval();
  last_.eval();
}

}  // namespace graft::graph
