#include "graph/composite.h"

#include <torch/csrc/jit/api/module.h>

#include <cctype>

namespace graft::graph {

namespace jit = torch::jit;

Network compose(const Network& backbone, const Network& head, const CompositeSpec& spec) {
  const auto listed = [](const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
    return text;
  };
  std::vector<std::string> parameters{"self"};
  for (const auto& input : spec.inputs)
    parameters.push_back(identifier(input.name) + (input.optional ? ": Optional[Tensor] = None" : ": Tensor"));

  jit::Module composite("__torch__.graft.Model");
  composite.register_attribute("training", c10::BoolType::get(), false);
  composite.register_module("backbone", backbone.module());
  composite.register_module("head", head.module());
  composite.define("def forward(" + listed(parameters) + "):\n    outputs = self.backbone.forward(" + listed(spec.backbone_arguments) +
                   ")\n    return self.head.forward(" + listed(spec.head_arguments) + ")\n");
  return Network(composite);
}

std::string identifier(std::string name) {
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) != 0 ? "_" + name : name;
}

std::string or_filled(const std::string& input, const std::string& with, const std::string& like) {
  return "(" + identifier(input) + " if " + identifier(input) + " is not None else torch." + with + "_like(" + identifier(like) + "))";
}

}  // namespace graft::graph
