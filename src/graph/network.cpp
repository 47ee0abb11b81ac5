#include "graph/network.h"

#include <caffe2/serialize/read_adapter_interface.h>
#include <torch/script.h>

#include <algorithm>
#include <sstream>

#include "core/file.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"
#include "graph/archive_check.h"
#include "graph/exported_core.h"
#include "graph/exported_modules.h"
#include "graph/loaded_check.h"
#include "graph/training_flags.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

/// The very bytes that were checked, for LibTorch's reader.
class MappedBytes final : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit MappedBytes(std::shared_ptr<const Mapping> file) : file_(std::move(file)) {}
  std::size_t size() const override { return file_->bytes().size(); }
  std::size_t read(std::uint64_t position, void* buffer, std::size_t count, const char* /*what*/) const override {
    if (position >= size()) return 0;
    return file_->bytes().copy(static_cast<char*>(buffer), count, position);
  }

 private:
  std::shared_ptr<const Mapping> file_;
};

/// The network of a file of torch.export.
Network load_exported(const Archive& archive, Trust trust) {
  archive.require_sound();
  ExportedProgram program = read_exported_program(archive);
  join_layers(program);
  Network network = network_of(program, archive.path());
  check_graphs(network.module(), archive.path(), trust);
  return network;
}

void collect(const std::string& name, const c10::IValue& value, Fields& outputs) {
  if (value.isTensor()) {
    outputs.set(name, value.toTensor());
  } else if (value.isTuple() || value.isList()) {
    std::size_t index = 0;
    const std::vector<c10::IValue> elements = value.isTuple() ? value.toTupleRef().elements().vec() : value.toListRef().vec();
    for (const c10::IValue& element : elements) collect(name + "." + std::to_string(index++), element, outputs);
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      if (entry.key().isString()) collect(name + "." + entry.key().toStringRef(), entry.value(), outputs);
    }
  }
}

}  // namespace

Network::Network(jit::Module module, Origin origin)
    : origin_(std::move(origin)), module_(std::make_shared<jit::Module>(std::move(module))) {}

Network Network::load(const std::string& path, Files* files, Trust trust) {
  runtime();
  const auto file = Mapping::open(path);
  const Archive archive = open_archive(file, path);
  if (is_exported_program(archive)) {
    if (files != nullptr) files->clear();
    return load_exported(archive, trust);
  }
  Origin origin = check_torchscript(archive, trust);
  jit::ExtraFilesMap extra;
  if (files != nullptr) {
    for (const auto& [name, bytes] : *files) extra[name] = "";
  }
  std::optional<jit::Module> module;
  // Layers that a mobile build packed give their weights back only if they have kept them.
  at::globalContext().setReleaseWeightsWhenPrepacking(false);
  try {
    module = jit::load(std::make_shared<MappedBytes>(file), at::kCPU, extra, /*load_debug_files=*/false);
  } catch (const std::exception& error) {
    explain_failure(archive, error);
  }
  check_values(*module, path);
  check_graphs(*module, path, trust);
  if (files != nullptr) {
    files->clear();
    for (auto& [name, bytes] : extra) {
      if (!bytes.empty()) files->emplace(name, std::move(bytes));
    }
  }
  return Network(std::move(*module), std::move(origin));
}

void Network::save(const std::string& path, const Files& files) const {
  write_file_atomically(path, [&](std::ostream& stream) { module_->save(stream, jit::ExtraFilesMap(files.begin(), files.end())); });
}

std::vector<Argument> Network::arguments() const {
  std::vector<Argument> found;
  const jit::Method forward = forward_of(*module_);
  const auto& schema = forward.function().getSchema().arguments();
  for (std::size_t i = 1; i < schema.size(); ++i) {
    Argument argument{.name = schema[i].name(), .type = schema[i].type()->annotation_str(), .default_value = schema[i].default_value()};
    const c10::TypePtr& type = schema[i].type();
    const auto is_tensor = [](const c10::TypePtr& element) { return element->isSubtypeOf(*c10::TensorType::get()); };
    const auto tuple = type->cast<c10::TupleType>();
    const auto dict = type->cast<c10::DictType>();
    if (is_tensor(type)) {
      argument.kind = Argument::Kind::Tensor;
    } else if (type->isSubtypeOf(*c10::OptionalType::ofTensor())) {
      argument.kind = Argument::Kind::OptionalTensor;
    } else if (type->isSubtypeOf(*c10::ListType::ofTensors())) {
      argument.kind = Argument::Kind::List;
    } else if (tuple != nullptr && std::ranges::all_of(tuple->elements(), is_tensor)) {
      argument.kind = Argument::Kind::Tuple;
      argument.elements = tuple->elements().size();
    } else if (dict != nullptr && dict->getKeyType()->kind() == c10::TypeKind::StringType && is_tensor(dict->getValueType())) {
      argument.kind = Argument::Kind::Dict;
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
  if (result.isGenericDict()) {
    for (const auto& entry : result.toGenericDict()) {
      if (entry.key().isString()) collect(entry.key().toStringRef(), entry.value(), outputs);
    }
  } else {
    collect("output", result, outputs);
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
  // The compiler's text begins with an empty line.
  text.erase(0, std::min(text.find_first_not_of('\n'), text.size()));
  return text.substr(0, text.find('\n'));
}

}  // namespace graft::graph
