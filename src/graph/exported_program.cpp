#include "graph/exported_program.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <sstream>

#include "graft/core/error.h"
#include "graph/policy.h"
#include "graph/storage_span.h"

namespace graft::graph {
namespace {

constexpr const char* model_record = "models/model.json";
constexpr int known_major = 8;
constexpr const char* export_again = "Export the model again with torch.export.save of PyTorch 2.9 or newer.";

std::vector<std::string> parts_of(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

/// "KEY,PATH,CLASS;KEY,PATH,CLASS", the root with an empty path.
std::vector<std::pair<std::string, std::string>> stack_of(const Json& node) {
  std::vector<std::pair<std::string, std::string>> stack;
  const Json metadata = node.value("metadata", Json::object());
  for (const std::string& entry : parts_of(metadata.value("nn_module_stack", std::string()), ';')) {
    const std::size_t first = entry.find(','), second = entry.find(',', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    std::string path = entry.substr(first + 1, second - first - 1);
    // A module that another one borrows lies outside of it: its code counts as the borrower's.
    const bool inside = !path.empty() && (stack.empty() || path.starts_with(stack.back().second + "."));
    if (inside) stack.emplace_back(entry.substr(0, first), std::move(path));
  }
  return stack;
}

class Reader {
 public:
  explicit Reader(const Archive& archive) : archive_(archive) {}

  ExportedProgram read() {
    const Json model = json(model_record);
    const Json version = model.at("schema_version");
    if (version.at("major") != known_major) {
      refuse_export(archive_.path(),
                    "files of schema 8 are known, this one has " + version.at("major").dump() + "." + version.at("minor").dump(),
                    export_again);
    }
    weights_ = config("data/weights/model_weights_config.json");
    constants_ = config("data/constants/model_constants_config.json");
    const Json& module = model.at("graph_module");
    const Json& graph = module.at("graph");
    for (const Json& spec : module.at("signature").at("input_specs")) input(spec, graph);
    name_inputs(module);
    for (const Json& node : graph.at("nodes")) {
      program_.nodes.push_back(
          {node.at("target"), node.value("name", std::string()), node.at("inputs"), node.at("outputs"), stack_of(node)});
    }
    for (const Json& spec : module.at("signature").at("output_specs")) output(spec);
    program_.output_keys = keys(module);
    return std::move(program_);
  }

 private:
  Json json(const std::string& name) const { return parse_json(data(name), archive_.path() + ":" + name); }

  Json config(const std::string& name) const { return archive_.find(name) != nullptr ? json(name).at("config") : Json::object(); }

  std::string data(const std::string& name) const {
    const Record* record = archive_.find(name);
    if (record == nullptr) archive_.refuse("it lacks the record \"" + name + "\"");
    return archive_.bytes(*record);
  }

  static std::vector<std::int64_t> numbers(const Json& list) {
    std::vector<std::int64_t> found;
    for (const Json& number : list) found.push_back(number.at("as_int"));
    return found;
  }

  at::Tensor tensor(const std::string& name, bool prefer_weights) {
    const bool is_weight = prefer_weights ? weights_.contains(name) : !constants_.contains(name);
    const Json& all = is_weight ? weights_ : constants_;
    if (!all.contains(name)) archive_.refuse("the tensor \"" + name + "\" has no data");
    const Json& entry = all.at(name);
    if (entry.value("use_pickle", false))
      refuse_export(archive_.path(), "\"" + name + "\" is pickled, which may run code",
                    "Export plain tensors, not subclasses of torch.Tensor.");
    const Json& meta = entry.at("tensor_meta");
    const std::string record = (is_weight ? "data/weights/" : "data/constants/") + entry.at("path_name").get<std::string>();
    const auto sizes = numbers(meta.at("sizes")), strides = numbers(meta.at("strides"));
    const std::int64_t offset = meta.at("storage_offset").at("as_int");
    const at::ScalarType stored = stored_type(meta.at("dtype"), archive_.path()), type = exported_type(meta.at("dtype"), archive_.path());
    // Tied parameters are one tensor.
    const std::string identity = record + c10::str(sizes, strides, offset, stored);
    if (const auto known = tensors_.find(identity); known != tensors_.end()) return known->second;
    const std::string bytes = data(record);
    const auto size = static_cast<std::int64_t>(bytes.size());
    if (!is_within(sizes, strides, offset, bits_per_element(stored), size)) {
      throw CheckpointError({.code = "graft-K017",
                             .message = "[Export] tensors within their data are wanted, \"" + name + "\" of sizes " +
                                        c10::str(at::IntArrayRef(sizes)) + " reaches beyond its " + std::to_string(size) + " bytes.",
                             .remedy = fetch_again_remedy,
                             .place = archive_.path()});
    }
    const at::Tensor flat = at::empty({size / static_cast<std::int64_t>(c10::elementSize(stored))}, stored);
    std::memcpy(flat.data_ptr(), bytes.data(), flat.nbytes());
    return tensors_[identity] = flat.as_strided(sizes, strides, offset).to(type).contiguous();
  }

  static at::ScalarType stored_type(std::int64_t number, const std::string& path) {
    constexpr std::int64_t half = 6, bfloat16 = 13;
    return number == half ? at::kHalf : number == bfloat16 ? at::kBFloat16 : exported_type(number, path);
  }

  void input(const Json& spec, const Json& graph) {
    const std::string kind = spec.begin().key();
    const Json& value = spec.begin().value();
    if (kind == "parameter" || kind == "buffer" || kind == "tensor_constant") {
      const std::string path = value.at(kind + "_name");
      program_.held.push_back({value.at("arg").at("name"), path, tensor(path, kind != "tensor_constant"), kind == "parameter"});
    } else if (kind == "user_input") {
      user_input(value.at("arg"), graph);
    } else if (kind != "constant_input") {
      refuse_export(archive_.path(), "an input of the kind \"" + kind + "\" is not covered", "Export a model whose inputs are tensors.");
    }
  }

  void user_input(const Json& argument, const Json& graph) {
    if (argument.contains("as_tensor")) {
      const std::string name = argument.at("as_tensor").at("name");
      const Json& meta = graph.at("tensor_values").at(name);
      const at::ScalarType type = exported_type(meta.at("dtype"), archive_.path());
      ExportedProgram::Input input{.value = name, .name = name, .is_whole = !at::isFloatingType(type), .sizes = {}};
      for (const Json& size : meta.at("sizes")) input.sizes.push_back(size.contains("as_int") ? size.at("as_int").get<std::int64_t>() : -1);
      program_.inputs.push_back(std::move(input));
    } else if (argument.contains("as_sym_int") && argument.at("as_sym_int").contains("as_name")) {
      const std::string name = argument.at("as_sym_int").at("as_name");
      program_.inputs.push_back({.value = name, .name = name, .is_number = true, .sizes = {}});
    }
    // Numbers, texts and None were written into the graph; there is nothing left to give.
  }

  /// Arguments have the names of the Python function's where each of them is one tensor.
  void name_inputs(const Json& module) {
    const Json signature = root_signature(module);
    const Json names = signature.value("forward_arg_names", Json());
    if (!names.is_array() || names.size() != program_.inputs.size()) return;
    for (std::size_t i = 0; i < program_.inputs.size(); ++i) program_.inputs[i].name = names[i];
  }

  static Json root_signature(const Json& module) {
    for (const Json& call : module.value("module_call_graph", Json::array())) {
      if (call.at("fqn") == "" && call.at("signature").is_object()) return call.at("signature");
    }
    return Json::object();
  }

  void output(const Json& spec) {
    const std::string kind = spec.begin().key();
    const Json& value = spec.begin().value();
    if (kind == "user_output") {
      const Json& argument = value.at("arg");
      if (argument.contains("as_none")) return;
      if (!argument.contains("as_tensor"))
        refuse_export(archive_.path(), "an output that is no tensor is not covered", "Export a model that gives tensors.");
      program_.outputs.push_back(argument.at("as_tensor").at("name"));
    } else if (kind == "buffer_mutation") {
      program_.buffer_updates.emplace_back(value.at("buffer_name"), value.at("arg").at("name"));
    } else {
      refuse_export(archive_.path(), "an output of the kind \"" + kind + "\" is not covered", "Export the model's forward alone.");
    }
  }

  /// Of a dictionary, or of a Python class that is one, such as those of Hugging Face.
  std::vector<std::string> keys(const Json& module) const {
    const std::string text = root_signature(module).value("out_spec", std::string());
    const Json spec = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!spec.is_array() || spec.size() != 2 || !spec[1].is_object() || !spec[1].value("context", Json()).is_string()) return {};
    const Json context = Json::parse(spec[1].at("context").get<std::string>(), nullptr, false);
    const Json names = context.is_array() && context.size() == 2 && context[0].is_array() ? context[0] : context;
    const bool all_texts = names.is_array() && std::ranges::all_of(names, [](const Json& name) { return name.is_string(); });
    if (!all_texts || names.size() != program_.outputs.size()) return {};
    return names.get<std::vector<std::string>>();
  }

  const Archive& archive_;
  Json weights_, constants_;
  std::map<std::string, at::Tensor> tensors_;
  ExportedProgram program_;
};

}  // namespace

void refuse_export(const std::string& path, const std::string& what, const std::string& remedy) {
  throw CheckpointError({.code = "graft-K020", .message = "[Export] " + what + ".", .remedy = remedy, .place = path});
}

at::ScalarType exported_type(std::int64_t number, const std::string& path) {
  // The order of ScalarType in torch/_export/serde/schema.py, which is not ATen's. Networks are float32 here.
  static const std::vector<at::ScalarType> types = {
      at::ScalarType::Undefined, at::kByte, at::kChar, at::kShort, at::kInt, at::kLong, at::kFloat, at::kFloat, at::kDouble};
  constexpr std::int64_t boolean = 12, bfloat16 = 13;
  if (number == boolean) return at::kBool;
  if (number == bfloat16) return at::kFloat;
  if (number > 0 && number < static_cast<std::int64_t>(types.size())) return types[static_cast<std::size_t>(number)];
  refuse_export(path, "tensors of the type number " + std::to_string(number) + " are not covered",
                "Export a model of floats, whole numbers and bools.");
}

bool is_exported_program(const Archive& archive) {
  // These archives have no root folder.
  if (archive.find("serialized_exported_program.json") != nullptr || archive.find("/serialized_exported_program.json") != nullptr)
    refuse_export(archive.path(), "a file of PyTorch before 2.9 is not covered, its weights are pickled", export_again);
  return archive.find(model_record) != nullptr;
}

ExportedProgram read_exported_program(const Archive& archive) {
  try {
    return Reader(archive).read();
  } catch (const Json::exception& error) {
    throw CheckpointError({.code = "graft-K014",
                           .message = "[Export] a sound file of torch.export is wanted, its description lacks something.",
                           .remedy = fetch_again_remedy,
                           .place = archive.path()},
                          error.what());
  }
}

}  // namespace graft::graph
