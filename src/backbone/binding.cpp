#include "backbone/binding.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>

#include "core/json.h"
#include "core/names.h"
#include "graft/core/error.h"
#include "graph/builder.h"

namespace graft::backbone {
namespace {

using Kind = graph::Argument::Kind;

/// Names that networks and tokenizers use for the same thing.
constexpr std::array<std::array<std::string_view, 6>, 4> aliases{{
    {"input_ids", "ids", "tokens", "token_ids", "input", "inputs"},
    {"attention_mask", "mask", "attn_mask", "", "", ""},
    {"token_type_ids", "types", "segment_ids", "segments", "", ""},
    {"x", "image", "images", "pixel_values", "input", "inputs"},
}};

bool same_thing(std::string_view a, std::string_view b) {
  return std::ranges::any_of(
      aliases, [&](const auto& names) { return std::ranges::find(names, a) != names.end() && std::ranges::find(names, b) != names.end(); });
}

std::string show(const std::vector<graph::Argument>& arguments) {
  std::string text;
  for (const auto& argument : arguments)
    text += (text.empty() ? "" : ", ") + argument.name + ": " + argument.type + (argument.has_default() ? " = ..." : "");
  return "forward(" + text + ")";
}

c10::IValue value_of(const std::variant<bool, std::int64_t, double, std::string>& constant) {
  return std::visit([](const auto& value) { return c10::IValue(value); }, constant);
}

std::string source_of(const c10::IValue& value) {
  if (value.isDouble()) return graph::literal(value.toDouble());
  if (value.isBool()) return value.toBool() ? "True" : "False";
  if (value.isInt()) return std::to_string(value.toInt());
  return Json(value.toStringRef()).dump();
}

}  // namespace

Binding::Binding(const graph::Network& network, const BackboneOptions& options, const std::vector<std::string>& fields) {
  const std::vector<graph::Argument> arguments = network.arguments();
  std::set<std::string> free(fields.begin(), fields.end());
  for (const graph::Argument& argument : arguments) slots_.push_back({argument, "", parts_of(argument, fields), {}, ""});
  for (const Slot& slot : slots_) {
    for (const std::string& part : slot.parts) free.erase(part);
  }
  const auto wants_field = [&](const Slot& slot) {
    return slot.field.empty() && slot.argument.kind != Kind::Other && !slot.argument.is_container() &&
           !options.constants.contains(slot.argument.name);
  };
  const auto bind = [&](Slot& slot, const std::string& field) {
    slot.field = field;
    free.erase(field);
  };
  for (Slot& slot : slots_) {
    if (wants_field(slot) && free.contains(slot.argument.name)) bind(slot, slot.argument.name);
  }
  for (Slot& slot : slots_) {
    if (!wants_field(slot)) continue;
    const auto alias = std::ranges::find_if(
        fields, [&](const std::string& field) { return free.contains(field) && same_thing(field, slot.argument.name); });
    if (alias != fields.end()) bind(slot, *alias);
  }
  for (const std::string& field : fields) {  // by order
    const auto open = std::ranges::find_if(
        slots_, [&](const Slot& slot) { return wants_field(slot) && slot.argument.kind == Kind::Tensor && !slot.argument.has_default(); });
    if (open != slots_.end() && free.contains(field)) bind(*open, field);
  }
  for (Slot& slot : slots_) {
    if (!slot.field.empty() || !slot.parts.empty()) continue;
    if (const auto constant = options.constants.find(slot.argument.name); constant != options.constants.end()) {
      slot.constant = value_of(constant->second);
      slot.constant_source = source_of(slot.constant);
    } else if (slot.argument.kind == Kind::OptionalTensor || slot.argument.default_value) {
      slot.constant = slot.argument.default_value.value_or(c10::IValue());
      if (!slot.argument.has_default()) slot.constant_source = "None";
    } else {
      throw ModelError(
          {.code = "graft-M007",
           .message = "[Backbone] nothing is there for the argument \"" + slot.argument.name + "\" of " + show(arguments) +
                      "; the data gives: " + quoted_list(fields) + ".",
           .remedy = slot.argument.kind == Kind::Other ? "Give its value as a constant (--constant " + slot.argument.name + "=VALUE)."
                     : slot.argument.is_container()
                         ? "Name fields of the data \"" + slot.argument.name + ".0\", \"" + slot.argument.name + ".1\", ... (or by key)."
                         : "Name a field of the data \"" + slot.argument.name + "\".",
           .place = ""});
    }
  }
}

/// Fields "NAME.0", "NAME.1", ... in their order, or "NAME.KEY" of a dictionary. None if one of a tuple's is missing.
std::vector<std::string> Binding::parts_of(const graph::Argument& argument, const std::vector<std::string>& fields) const {
  std::vector<std::string> parts;
  if (!argument.is_container()) return parts;
  const std::string begin = argument.name + ".";
  if (argument.kind == Kind::Dict) {
    std::ranges::copy_if(fields, std::back_inserter(parts), [&](const std::string& field) { return field.starts_with(begin); });
    return parts;
  }
  while (std::ranges::find(fields, begin + std::to_string(parts.size())) != fields.end())
    parts.push_back(begin + std::to_string(parts.size()));
  if (argument.kind == Kind::Tuple && parts.size() != argument.elements) parts.clear();
  return parts;
}

namespace {

c10::IValue container_of(const graph::Argument& argument, const std::vector<std::string>& parts, const Fields& batch) {
  if (argument.kind == Kind::Dict) {
    c10::Dict<std::string, at::Tensor> dict;
    for (const std::string& part : parts) dict.insert(part.substr(argument.name.size() + 1), batch[part]);
    return dict;
  }
  if (argument.kind == Kind::List) {
    c10::List<at::Tensor> list;
    for (const std::string& part : parts) list.push_back(batch[part]);
    return list;
  }
  std::vector<c10::IValue> elements;
  for (const std::string& part : parts) elements.emplace_back(batch[part]);
  return c10::ivalue::Tuple::create(std::move(elements));
}

/// The same as source: "[pair_0, pair_1]".
std::string container_source(const graph::Argument& argument, const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    const std::string key = argument.kind == Kind::Dict ? Json(part.substr(argument.name.size() + 1)).dump() + ": " : "";
    text += (text.empty() ? "" : ", ") + key + graph::identifier(part);
  }
  if (argument.kind == Kind::Dict) return "{" + text + "}";
  return argument.kind == Kind::List ? "[" + text + "]" : "(" + text + ",)";
}

}  // namespace

c10::IValue Binding::value(const Slot& slot, const Fields& batch) {
  if (!slot.parts.empty()) return container_of(slot.argument, slot.parts, batch);
  if (slot.field.empty()) return slot.constant;
  if (const at::Tensor* tensor = batch.find(slot.field)) return *tensor;
  if (slot.argument.kind == Kind::OptionalTensor) return {};
  const at::Tensor& first = batch.begin()->second;
  return at::ones({first.size(0), first.size(1)}, first.options().dtype(at::kLong));
}

std::vector<c10::IValue> Binding::arguments(const Fields& batch) const {
  std::vector<c10::IValue> values;
  values.reserve(slots_.size());
  for (const Slot& slot : slots_) values.push_back(value(slot, batch));
  return values;
}

std::vector<c10::IValue> Binding::arguments(const Fields& batch, const std::vector<std::string>& names) const {
  std::vector<c10::IValue> values;
  for (const Slot& slot : slots_) {
    if (std::ranges::find(names, slot.argument.name) != names.end()) values.push_back(value(slot, batch));
  }
  return values;
}

std::vector<std::string> Binding::fields(const std::vector<std::string>& names) const {
  std::vector<std::string> found;
  for (const Slot& slot : slots_) {
    if (std::ranges::find(names, slot.argument.name) == names.end()) continue;
    if (!slot.field.empty()) found.push_back(slot.field);
    found.insert(found.end(), slot.parts.begin(), slot.parts.end());
  }
  return found;
}

graph::Constants Binding::constants() const {
  graph::Constants found;
  for (const Slot& slot : slots_) {
    if (slot.field.empty() && slot.parts.empty()) found.emplace(slot.argument.name, slot.constant);
  }
  return found;
}

std::string Binding::description() const {
  std::string text;
  for (const Slot& slot : slots_) {
    if (!slot.field.empty() && slot.field != slot.argument.name)
      text += (text.empty() ? "" : ", ") + slot.field + " -> " + slot.argument.name;
  }
  return text;
}

graph::CompositeSpec Binding::composite(const std::string& mask) const {
  graph::CompositeSpec spec;
  for (const Slot& slot : slots_) {
    if (!slot.parts.empty()) {
      for (const std::string& part : slot.parts) spec.inputs.push_back({part, false});
      spec.backbone_arguments.push_back(slot.argument.name + "=" + container_source(slot.argument, slot.parts));
      continue;
    }
    if (slot.field.empty()) {
      // Defaults are left to the backbone itself.
      if (!slot.constant_source.empty()) spec.backbone_arguments.push_back(slot.argument.name + "=" + slot.constant_source);
      continue;
    }
    spec.inputs.push_back({slot.field, slot.field == mask || slot.argument.kind == Kind::OptionalTensor});
    const bool must_be_there = slot.field == mask && slot.argument.kind == Kind::Tensor;
    spec.backbone_arguments.push_back(
        slot.argument.name + "=" +
        (must_be_there ? graph::or_filled(mask, "ones", spec.inputs.front().name) : graph::identifier(slot.field)));
  }
  return spec;
}

}  // namespace graft::backbone
