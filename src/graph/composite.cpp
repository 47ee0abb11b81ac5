#include "graph/composite.h"

#include <iomanip>
#include <sstream>

namespace graft::graph {

namespace jit = torch::jit;

jit::Module compose(const jit::Module& backbone, const jit::Module& head, const CompositeSpec& spec) {
  const auto listed = [](const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
    return text;
  };
  std::vector<std::string> parameters{"self"};
  for (const auto& input : spec.inputs) parameters.push_back(input.name + (input.optional ? ": Optional[Tensor] = None" : ": Tensor"));

  jit::Module composite("__torch__.graft.Model");
  composite.register_attribute("training", c10::BoolType::get(), false);
  composite.register_module("backbone", backbone);
  composite.register_module("head", head);
  composite.define("def forward(" + listed(parameters) + "):\n    outputs = self.backbone.forward(" + listed(spec.backbone_arguments) +
                   ")\n    return self.head.forward(" + listed(spec.head_arguments) + ")\n");
  return composite;
}

std::string literal(double value) {
  std::ostringstream text;
  text << std::setprecision(17) << value;
  // Without a point or an exponent TorchScript would read an integer.
  return text.str().find_first_of(".e") == std::string::npos ? text.str() + ".0" : text.str();
}

}  // namespace graft::graph
