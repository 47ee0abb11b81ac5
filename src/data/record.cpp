#include "graft/data/record.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include "core/names.h"
#include "graft/core/error.h"

namespace graft {
namespace {

/// The number that the whole text spells, or NaN.
double spelled(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : std::numeric_limits<double>::quiet_NaN();
}

[[noreturn]] void unfit(const Record& record, const std::string& field, const std::string& wanted) {
  std::vector<std::string> names;
  for (const auto& [name, value] : record.values) names.push_back(name);
  throw DataError({.code = "graft-D004",
                   .message = "[Record] " + wanted + " named \"" + field + "\" is wanted; the record has: " + quoted_list(names) + ".",
                   .remedy = record.has(field) ? "Fill it in, or bring it in the kind that is wanted."
                                               : did_you_mean(field, names, "Name one of these fields."),
                   .place = record.place});
}

}  // namespace

bool Record::has_value(const std::string& field) const {
  const auto found = values.find(field);
  return found != values.end() && !std::holds_alternative<std::monostate>(found->second);
}

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

double Record::number(const std::string& field) const {
  const auto found = values.find(field);
  if (found == values.end()) unfit(*this, field, "a number");
  std::string given;
  double number = std::numeric_limits<double>::quiet_NaN();
  if (const auto* text = std::get_if<std::string>(&found->second)) {
    number = spelled(given = *text);
  } else if (const auto* whole = std::get_if<std::int64_t>(&found->second)) {
    number = static_cast<double>(*whole);
  } else if (const auto* real = std::get_if<double>(&found->second)) {
    given = std::to_string(number = *real);
  } else if (const auto* tensor = std::get_if<at::Tensor>(&found->second); tensor != nullptr && tensor->dim() == 0) {
    given = std::to_string(number = tensor->to(at::kDouble).item<double>());
  } else {
    unfit(*this, field, "a number");
  }
  if (std::isfinite(number)) return number;
  throw DataError({.code = "graft-D023",
                   .message = "[Record] a finite number is wanted in \"" + field + "\", got \"" + given + "\".",
                   .remedy = "Write numbers such as 1234.5 or -2e3, without units, spaces or thousands separators.",
                   .place = place});
}

const at::Tensor& Record::tensor(const std::string& field) const {
  const auto found = values.find(field);
  if (found != values.end()) {
    if (const auto* tensor = std::get_if<at::Tensor>(&found->second)) return *tensor;
  }
  unfit(*this, field, "a tensor");
}

}  // namespace graft
