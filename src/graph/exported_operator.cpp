#include "graph/exported_operator.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <map>

namespace graft::graph {
namespace {

namespace jit = torch::jit;

constexpr const char* other_operators = "Export the model without it, or as TorchScript.";

/// Arithmetic of sizes has Python's names.
const std::map<std::string, std::pair<std::string, std::string>> python_operators = {
    {"add", {"aten::add", "int"}},       {"sub", {"aten::sub", "int"}},
    {"mul", {"aten::mul", "int"}},       {"floordiv", {"aten::floordiv", "int"}},
    {"mod", {"aten::remainder", "int"}}, {"neg", {"aten::neg", "int"}},
    {"truediv", {"aten::div", "int"}},   {"eq", {"aten::eq", "int"}},
    {"ne", {"aten::ne", "int"}},         {"lt", {"aten::lt", "int"}},
    {"le", {"aten::le", "int"}},         {"gt", {"aten::gt", "int"}},
    {"ge", {"aten::ge", "int"}},         {"sym_max", {"prim::max", "int"}},
    {"sym_min", {"prim::min", "int"}}};

const c10::FunctionSchema* find_schema(const std::string& kind, const std::string& overload) {
  if (const auto found = c10::Dispatcher::singleton().findSchema({kind, overload})) return &found->schema();
  for (const auto& candidate : jit::getAllOperatorsFor(c10::Symbol::fromQualString(kind))) {
    if (candidate->schema().overload_name() == overload) return &candidate->schema();
  }
  return nullptr;
}

bool is_number(const Json& given) { return given.contains("as_int") || given.contains("as_float") || given.contains("as_sym_int"); }

/// Where Python gives a number for a tensor (x + 1), TorchScript has an operator of its own.
bool gives_number_for_tensor(const ExportedProgram::Node& node, const c10::FunctionSchema& schema) {
  return std::ranges::any_of(node.inputs, [&](const Json& input) {
    const auto index = schema.argumentIndexWithName(input.at("name").get<std::string>());
    return index && is_number(input.at("arg")) &&
           schema.arguments()[static_cast<std::size_t>(*index)].type()->kind() == c10::TypeKind::TensorType;
  });
}

void visit_names(const Json& value, const std::function<void(const std::string&)>& visit) {
  if (value.is_array()) {
    for (const Json& element : value) visit_names(element, visit);
  } else if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      if (inner.is_string() && (key == "name" || key == "as_name")) {
        visit(inner.get<std::string>());
      } else if (inner.is_object() || inner.is_array()) {
        visit_names(inner, visit);
      }
    }
  }
}

}  // namespace

void for_each_argument(const ExportedProgram::Node& node, const std::function<void(const std::string&)>& visit) {
  for (const Json& input : node.inputs) visit_names(input.at("arg"), visit);
}

std::vector<std::string> results_of(const ExportedProgram::Node& node) {
  std::vector<std::string> names;
  visit_names(node.outputs, [&](const std::string& name) { names.push_back(name); });
  return names;
}

bool ExportedOperator::is_check(const ExportedProgram::Node& node) {
  return node.target.find("_assert") != std::string::npos || node.target.find("sym_constrain_range") != std::string::npos;
}

ExportedOperator::ExportedOperator(const ExportedProgram::Node& node, const std::string& path) : node_(node), path_(path) {
  std::string overload;
  const std::string& target = node.target;
  if (target.starts_with("torch.ops.higher_order.")) {
    refuse("the control-flow operator \"" + target.substr(std::string("torch.ops.higher_order.").size()) + "\" is not covered");
  }
  if (target.starts_with("torch.ops.")) {
    const std::size_t space = 10, name = target.find('.', space), end = target.find('.', name + 1);
    if (name == std::string::npos) refuse("the call target \"" + target + "\" is not known");
    kind_ = target.substr(space, name - space) + "::" + target.substr(name + 1, end - name - 1);
    overload = end == std::string::npos || target.substr(end + 1) == "default" ? "" : target.substr(end + 1);
    if (kind_ == "aten::sym_size") kind_ = "aten::size";
    if (kind_ == "aten::sym_numel") kind_ = "aten::numel";
    if (kind_ == "aten::sym_stride") kind_ = "aten::stride";
  } else {
    const auto known = python_operators.find(target.substr(target.rfind('.') + 1));
    if (known == python_operators.end()) refuse("the call target \"" + target + "\" is not known");
    std::tie(kind_, overload) = known->second;
  }
  schema_ = find_schema(kind_, overload);
  if (schema_ == nullptr)
    refuse("the operator \"" + kind_ + (overload.empty() ? "" : "." + overload) + "\" does not exist in this LibTorch");
  if (!gives_number_for_tensor(node, *schema_)) return;
  if (const auto* scalar = find_schema(kind_, "Scalar")) schema_ = scalar;
}

// A norm's statistics move without its schema saying so.
bool ExportedOperator::writes() const { return schema_->is_mutable() || kind_ == "aten::batch_norm"; }

void ExportedOperator::refuse(const std::string& what) const {
  const std::string module = node_.stack.empty() ? "" : " in \"" + node_.stack.back().second + "\"";
  refuse_export(path_, what + " (" + node_.name + module + ")", other_operators);
}

jit::Value* ExportedOperator::number(jit::Graph& graph, const Json& given, const Values& values) const {
  if (given.contains("as_int")) return graph.insertConstant(given.at("as_int").get<std::int64_t>());
  if (given.contains("as_name")) return values.at(given.at("as_name"));
  refuse("a size that is a formula is not covered");
}

jit::Value* ExportedOperator::argument(jit::Graph& graph, const Json& given, const c10::TypePtr& type, const Values& values) const {
  const std::string kind = given.begin().key();
  const Json& value = given.begin().value();
  const auto list = [&](const c10::TypePtr& element, const std::function<jit::Value*(const Json&)>& make) {
    std::vector<jit::Value*> made;
    for (const Json& entry : value) made.push_back(make(entry));
    return graph.insertNode(graph.createList(element, made))->output();
  };
  const auto constant = [&](const c10::IValue& made) { return graph.insertConstant(made); };
  if (kind == "as_none") return constant(c10::IValue());
  if (kind == "as_tensor") return values.at(value.at("name"));
  // LibTorch would take a whole number for no float.
  if (kind == "as_int" && type->isSubtypeOf(*c10::OptionalType::create(c10::FloatType::get()))) return constant(value.get<double>());
  if ((kind == "as_int" || kind == "as_float") && type->kind() == c10::TypeKind::TensorType)
    return constant(kind == "as_int" ? at::scalar_tensor(value.get<std::int64_t>(), at::kLong)
                                     : at::scalar_tensor(value.get<double>(), at::kFloat));
  if (kind == "as_int") return constant(value.get<std::int64_t>());
  if (kind == "as_float") return constant(value.get<double>());
  if (kind == "as_bool") return constant(value.get<bool>());
  if (kind == "as_string") return constant(value.get<std::string>());
  if (kind == "as_scalar_type") return constant(static_cast<std::int64_t>(exported_type(value, path_)));
  if (kind == "as_device") return constant(c10::Device(value.at("type").get<std::string>()));
  if (kind == "as_sym_int") return number(graph, value, values);
  if (kind == "as_layout") {
    constexpr std::int64_t strided = 7;
    if (value != strided) refuse("a tensor that is not strided is not covered");
    return constant(static_cast<std::int64_t>(at::kStrided));
  }
  if (kind == "as_memory_format") {
    static const std::vector<at::MemoryFormat> formats = {at::MemoryFormat::Contiguous, at::MemoryFormat::Contiguous,
                                                          at::MemoryFormat::ChannelsLast, at::MemoryFormat::ChannelsLast3d,
                                                          at::MemoryFormat::Preserve};
    return constant(static_cast<std::int64_t>(formats.at(value.get<std::size_t>())));
  }
  if (kind == "as_ints") return list(c10::IntType::get(), [&](const Json& entry) { return constant(entry.get<std::int64_t>()); });
  if (kind == "as_sym_ints") return list(c10::IntType::get(), [&](const Json& entry) { return number(graph, entry, values); });
  if (kind == "as_floats") return list(c10::FloatType::get(), [&](const Json& entry) { return constant(entry.get<double>()); });
  if (kind == "as_bools") return list(c10::BoolType::get(), [&](const Json& entry) { return constant(entry.get<bool>()); });
  if (kind == "as_tensors") return list(c10::TensorType::get(), [&](const Json& entry) { return values.at(entry.at("name")); });
  if (kind == "as_optional_tensors") {
    return list(c10::OptionalType::ofTensor(), [&](const Json& entry) {
      return entry.contains("as_none") ? constant(c10::IValue()) : values.at(entry.at("as_tensor").at("name"));
    });
  }
  refuse("an argument of the kind \"" + kind.substr(3) + "\" is not covered");
}

void ExportedOperator::insert(jit::Graph& graph, Values& values) const {
  std::map<std::string, const Json*> given;
  for (const Json& input : node_.inputs) given[input.at("name")] = &input.at("arg");
  const bool by_place = !node_.target.starts_with("torch.ops.");
  std::vector<jit::Value*> arguments;
  for (std::size_t i = 0; i < schema_->arguments().size(); ++i) {
    const c10::Argument& wanted = schema_->arguments()[i];
    const auto named = given.find(wanted.name());
    if (by_place && i < node_.inputs.size()) {
      arguments.push_back(argument(graph, node_.inputs[i].at("arg"), wanted.type(), values));
    } else if (named != given.end()) {
      arguments.push_back(argument(graph, *named->second, wanted.type(), values));
    } else if (wanted.default_value()) {
      arguments.push_back(graph.insertConstant(*wanted.default_value()));
    } else {
      refuse("the argument \"" + wanted.name() + "\" of \"" + kind_ + "\" is missing");
    }
  }
  jit::Node* made = graph.insertNode(graph.create(c10::Symbol::fromQualString(kind_), arguments, schema_->returns().size()));
  for (std::size_t i = 0; i < made->outputs().size(); ++i) made->outputs()[i]->setType(schema_->returns()[i].type());
  for (std::size_t i = 0; i < node_.outputs.size() && i < made->outputs().size(); ++i) {
    const Json& output = node_.outputs[i];
    if (output.contains("as_tensor")) {
      values[output.at("as_tensor").at("name")] = made->outputs()[i];
    } else if (output.contains("as_sym_int") || output.contains("as_sym_bool") || output.contains("as_sym_float")) {
      const Json& name = output.begin().value();
      if (name.contains("as_name")) values[name.at("as_name")] = made->outputs()[i];
    } else if (output.contains("as_tensors")) {
      const Json& names = output.at("as_tensors");
      jit::Node* unpacked = graph.insertNode(graph.createListUnpack(made->outputs()[i], names.size()));
      for (std::size_t k = 0; k < names.size(); ++k) values[names[k].at("name")] = unpacked->outputs()[k];
    } else if (!output.contains("as_none")) {
      refuse("a result of the kind \"" + output.begin().key().substr(3) + "\" is not covered");
    }
  }
}

}  // namespace graft::graph
