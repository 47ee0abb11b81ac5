#include "graph/builder.h"

#include <torch/csrc/jit/api/module.h>

#include <iomanip>
#include <sstream>

#include "graft/core/error.h"
#include "graft/core/runtime.h"

namespace graft::graph {
namespace {

torch::jit::Module empty_module(const std::string& class_name) {
  runtime();
  torch::jit::Module module("__torch__.graft." + class_name);
  module.register_attribute("training", c10::BoolType::get(), false);
  return module;
}

}  // namespace

Builder::Builder(const std::string& class_name) : network_(empty_module(class_name)) {}

Builder& Builder::parameter(const std::string& name, const at::Tensor& tensor) {
  network_.module().register_parameter(name, tensor, /*is_buffer=*/false);
  return *this;
}

Builder& Builder::buffer(const std::string& name, const at::Tensor& tensor) {
  network_.module().register_parameter(name, tensor, /*is_buffer=*/true);
  return *this;
}

Builder& Builder::child(const std::string& name, const Builder& module) {
  network_.module().register_module(name, module.network_.module());
  return *this;
}

Builder& Builder::define(const std::string& source) {
  try {
    network_.module().define(source);
  } catch (const std::exception& error) {
    throw ModelError({.code = "graft-M004",
                      .message = "[Builder] the TorchScript source does not compile.",
                      .remedy = "Repair the source.",
                      .place = ""},
                     error.what());
  }
  return *this;
}

Builder Builder::copy() const {
  const c10::NoGradGuard no_grad;
  return Builder(Network(network_.module().deepcopy()));
}

std::string literal(double value) {
  std::ostringstream text;
  text << std::setprecision(17) << value;
  return text.str().find_first_of(".e") == std::string::npos ? text.str() + ".0" : text.str();
}

}  // namespace graft::graph
