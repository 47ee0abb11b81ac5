#include "graft/data/record.h"

#include <vector>

#include "core/names.h"
#include "graft/core/error.h"

namespace graft {
namespace {

[[noreturn]] void unfit(const Record& record, const std::string& field, const std::string& wanted) {
  std::vector<std::string> names;
  for (const auto& [name, value] : record.values) names.push_back(name);
  throw DataError({.code = "graft-D004",
                   .message = "[Record] " + wanted + " named \"" + field + "\" is wanted; the record has: " + quoted_list(names) + ".",
                   .remedy = did_you_mean(field, names, "Name one of these fields."),
                   .place = record.place});
}

}  // namespace

std::string Record::text(const std::string& field) const {
  const auto found = values.find(field);
  if (found == values.end()) unfit(*this, field, "a value");
  if (const auto* text = std::get_if<std::string>(&found->second)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&found->second)) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&found->second)) return std::to_string(*number);
  if (const auto* tensor = std::get_if<at::Tensor>(&found->second);
      tensor != nullptr && tensor->dim() == 0 && !tensor->is_floating_point()) {
    return std::to_string(tensor->item<std::int64_t>());
  }
  unfit(*this, field, "a text");
}

const at::Tensor& Record::tensor(const std::string& field) const {
  const auto found = values.find(field);
  if (found != values.end()) {
    if (const auto* tensor = std::get_if<at::Tensor>(&found->second)) return *tensor;
  }
  unfit(*this, field, "a tensor");
}

}  // namespace graft
