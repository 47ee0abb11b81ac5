#include "graph/network.h"

#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/import.h>

#include <filesystem>
#include <sstream>
#include <unordered_map>

#include "core/file.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

/// What a file that does not load is, as far as its records tell.
Problem diagnose(const std::string& path) {
  const std::string export_recipe = "Export it from Python: torch.jit.script(model).save(\"model.pt\"), or torch.jit.trace(model, example).save(...).";
  try {
    caffe2::serialize::PyTorchStreamReader reader(path);
    const bool code = reader.hasRecord("constants.pkl");
    if (!code && reader.hasRecord("data.pkl")) {
      return {"graft-K001", "[Backbone] a TorchScript file is wanted, this is a state dict or a pickled module: weights without the network.", export_recipe, path};
    }
    if (!code) return {"graft-K002", "[Backbone] a TorchScript file is wanted, this is another zip archive.", export_recipe, path};
  } catch (const std::exception&) {
    return {"graft-K003", "[Backbone] a TorchScript file is wanted; this is no zip archive, or one that was cut short.",
            "Copy the file again, or export it again; a folder of safetensors is brought by graft import.", path};
  }
  return {"graft-K004", "[Backbone] the archive does not load.", "Run again with --verbose for LibTorch's reason, and export the file again.", path};
}

/// Copies objects, keeping what is shared shared.
class Copier {
 public:
  explicit Copier(std::unordered_map<const c10::TensorImpl*, bool> trains) : trains_(std::move(trains)) {}

  c10::intrusive_ptr<c10::ivalue::Object> object(const c10::intrusive_ptr<c10::ivalue::Object>& original) {
    auto& copy = objects_[original.get()];
    if (copy) return copy;
    auto fresh = c10::ivalue::Object::create(c10::StrongTypePtr(original->compilation_unit(), original->type()), original->slots().size());
    copy = fresh;
    for (std::size_t i = 0; i < original->slots().size(); ++i) fresh->setSlot(i, value(original->getSlot(i)));
    return fresh;
  }

 private:
  c10::IValue value(const c10::IValue& original) {
    if (original.isTensor()) return tensor(original.toTensor());
    if (original.isObject() && !original.isCustomClass()) return object(original.toObject());
    // Containers may be changed by the network (recurrent state), so each copy has its own.
    if (original.isList() || original.isGenericDict() || original.isTuple()) return original.deepcopy();
    return original;
  }

  at::Tensor tensor(const at::Tensor& original) {
    if (!original.defined()) return original;
    auto& copy = tensors_[original.unsafeGetTensorImpl()];
    if (copy.defined()) return copy;
    const auto known = trains_.find(original.unsafeGetTensorImpl());
    const bool trains = known != trains_.end() && known->second;
    copy = trains ? original.detach().clone().requires_grad_(true) : original.detach();
    return copy;
  }

  std::unordered_map<const c10::TensorImpl*, bool> trains_;
  std::unordered_map<const c10::ivalue::Object*, c10::intrusive_ptr<c10::ivalue::Object>> objects_;
  std::unordered_map<const c10::TensorImpl*, at::Tensor> tensors_;
};

}  // namespace

Archive load(const std::string& path, const std::vector<std::string>& extra_files) {
  runtime();
  require_file(path);
  jit::ExtraFilesMap files;
  for (const std::string& name : extra_files) files[name] = "";
  try {
    Archive archive{jit::load(path, at::kCPU, files, /*load_debug_files=*/false), {}};
    for (auto& [name, bytes] : files) {
      if (!bytes.empty()) archive.files.emplace(name, std::move(bytes));
    }
    return archive;
  } catch (const std::exception& error) {
    throw CheckpointError(diagnose(path), error.what());
  }
}

void save(const jit::Module& module, const std::string& path, const std::map<std::string, std::string>& extra_files) {
  std::ostringstream bytes;
  jit::ExtraFilesMap files(extra_files.begin(), extra_files.end());
  module.save(bytes, files);
  write_file_atomically(path, bytes.view());
}

std::vector<Argument> arguments(const jit::Module& module) {
  std::vector<Argument> found;
  const auto method = module.find_method("forward");
  if (!method) {
    throw ModelError({.code = "graft-M002",
                      .message = "[Backbone] the network has no forward method.",
                      .remedy = "Export the module whose forward you call in Python.",
                      .place = ""});
  }
  const auto& schema = method->function().getSchema().arguments();
  for (std::size_t i = 1; i < schema.size(); ++i) {
    Argument argument{schema[i].name(), Argument::Kind::Other, schema[i].type()->annotation_str(), schema[i].default_value().has_value()};
    if (schema[i].type()->isSubtypeOf(*c10::TensorType::get())) {
      argument.kind = Argument::Kind::Tensor;
    } else if (schema[i].type()->isSubtypeOf(*c10::OptionalType::ofTensor())) {
      argument.kind = Argument::Kind::OptionalTensor;
    }
    found.push_back(std::move(argument));
  }
  return found;
}

jit::Module instance(const jit::Module& module, const std::function<bool(const std::string&)>& trains) {
  std::unordered_map<const c10::TensorImpl*, bool> decided;
  for (const auto& parameter : module.named_parameters(/*recurse=*/true)) {
    decided[parameter.value.unsafeGetTensorImpl()] |= trains(parameter.name);
  }
  const at::NoGradGuard no_grad;
  return jit::Module(Copier(std::move(decided)).object(module._ivalue()));
}

std::string reason(const std::exception& error) {
  const auto* c10_error = dynamic_cast<const c10::Error*>(&error);
  std::string text = c10_error != nullptr ? c10_error->what_without_backtrace() : error.what();
  // The interpreter's text is a trace whose last line is the cause.
  if (text.find("Traceback of TorchScript") != std::string::npos) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    text = text.substr(text.rfind('\n') + 1);
    for (const std::string_view prefix : {"RuntimeError: "}) {
      if (text.starts_with(prefix)) text.erase(0, prefix.size());
    }
  }
  return text.substr(0, text.find('\n'));
}

}  // namespace graft::graph
