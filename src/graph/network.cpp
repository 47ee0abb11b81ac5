#include "graph/network.h"

#include <caffe2/serialize/inline_container.h>
#include <torch/script.h>

#include <sstream>

#include "core/file.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"
#include "graph/training_flags.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

/// What a file that does not load is, as far as its records tell.
Problem diagnose(const std::string& path) {
  const std::string export_recipe =
      "Export it from Python: torch.jit.script(model).save(\"model.pt\"), or torch.jit.trace(model, example).save(...).";
  try {
    caffe2::serialize::PyTorchStreamReader reader(path);
    const bool code = reader.hasRecord("constants.pkl");
    if (!code && reader.hasRecord("data.pkl")) {
      return {"graft-K001",
              "[Backbone] a TorchScript file is wanted, this is a state dict or a pickled module: weights without the network.",
              export_recipe, path};
    }
    if (!code) return {"graft-K002", "[Backbone] a TorchScript file is wanted, this is another zip archive.", export_recipe, path};
  } catch (const std::exception&) {
    return {"graft-K003", "[Backbone] a TorchScript file is wanted; this is no zip archive, or one that was cut short.",
            "Copy the file again, or export it again; a folder of safetensors is brought by graft import.", path};
  }
  return {"graft-K004", "[Backbone] the archive does not load.",
          "Run again with --verbose for LibTorch's reason, and export the file again.", path};
}

}  // namespace

Network::Network(jit::Module module) : module_(std::make_shared<jit::Module>(std::move(module))) {}

Network Network::load(const std::string& path, Files* files) {
  runtime();
  require_file(path);
  jit::ExtraFilesMap extra;
  if (files != nullptr) {
    for (const auto& [name, bytes] : *files) extra[name] = "";
  }
  try {
    Network network(jit::load(path, at::kCPU, extra, /*load_debug_files=*/false));
    if (files != nullptr) {
      files->clear();
      for (auto& [name, bytes] : extra) {
        if (!bytes.empty()) files->emplace(name, std::move(bytes));
      }
    }
    return network;
  } catch (const std::exception& error) {
    throw CheckpointError(diagnose(path), error.what());
  }
}

void Network::save(const std::string& path, const Files& files) const {
  std::ostringstream bytes;
  module_->save(bytes, jit::ExtraFilesMap(files.begin(), files.end()));
  write_file_atomically(path, bytes.view());
}

std::vector<Argument> Network::arguments() const {
  const auto method = module_->find_method("forward");
  if (!method) {
    throw ModelError({.code = "graft-M002",
                      .message = "[Backbone] the network has no forward method.",
                      .remedy = "Export the module whose forward you call in Python.",
                      .place = ""});
  }
  std::vector<Argument> found;
  const auto& schema = method->function().getSchema().arguments();
  for (std::size_t i = 1; i < schema.size(); ++i) {
    Argument argument{schema[i].name(), Argument::Kind::Other, schema[i].type()->annotation_str(), schema[i].default_value()};
    if (schema[i].type()->isSubtypeOf(*c10::TensorType::get())) {
      argument.kind = Argument::Kind::Tensor;
    } else if (schema[i].type()->isSubtypeOf(*c10::OptionalType::ofTensor())) {
      argument.kind = Argument::Kind::OptionalTensor;
    }
    found.push_back(std::move(argument));
  }
  return found;
}

NamedTensors Network::parameters() const {
  NamedTensors named;
  for (const auto& parameter : module_->named_parameters(/*recurse=*/true)) named.emplace_back(parameter.name, parameter.value);
  return named;
}

NamedTensors Network::buffers() const {
  NamedTensors named;
  for (const auto& buffer : module_->named_buffers(/*recurse=*/true)) named.emplace_back(buffer.name, buffer.value);
  return named;
}

std::vector<std::string> Network::execution_order() const { return graph::execution_order(*module_); }

std::vector<std::string> Network::method_names() const {
  std::vector<std::string> names;
  for (const auto& method : module_->get_methods()) names.push_back(method.name());
  return names;
}

Network Network::child(const std::string& name) const { return Network(module_->attr(name).toModule()); }

void Network::train(const Trains& trains) { graph::train(*module_, trains); }
void Network::eval() { graph::eval(*module_); }
void Network::to(c10::Device device) { module_->to(device); }

Fields Network::operator()(std::vector<c10::IValue> arguments) const {
  c10::IValue result;
  try {
    result = module_->forward(std::move(arguments));
  } catch (const std::exception& error) {
    throw ModelError({.code = "graft-M003",
                      .message = "[Backbone] the network cannot run on this input: " + reason(error),
                      .remedy = "Check names, shapes and types of the inputs against graft inspect.",
                      .place = ""},
                     error.what());
  }
  Fields outputs;
  const auto add = [&](std::string name, const c10::IValue& value) {
    if (value.isTensor()) outputs.set(std::move(name), value.toTensor());
  };
  if (result.isTuple()) {
    const auto& elements = result.toTupleRef().elements();
    for (std::size_t i = 0; i < elements.size(); ++i) add("output." + std::to_string(i), elements[i]);
  } else if (result.isList()) {
    const auto elements = result.toListRef();
    for (std::size_t i = 0; i < elements.size(); ++i) add("output." + std::to_string(i), elements[i]);
  } else if (result.isGenericDict()) {
    for (const auto& entry : result.toGenericDict()) {
      if (entry.key().isString()) add(entry.key().toStringRef(), entry.value());
    }
  } else {
    add("output", result);
  }
  return outputs;
}

std::string reason(const std::exception& error) {
  const auto* c10_error = dynamic_cast<const c10::Error*>(&error);
  std::string text = c10_error != nullptr ? c10_error->what_without_backtrace() : error.what();
  // The interpreter's text is a trace whose last line is the cause.
  if (text.find("Traceback of TorchScript") != std::string::npos) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    text = text.substr(text.rfind('\n') + 1);
    if (constexpr std::string_view prefix = "RuntimeError: "; text.starts_with(prefix)) text.erase(0, prefix.size());
  }
  return text.substr(0, text.find('\n'));
}

}  // namespace graft::graph
