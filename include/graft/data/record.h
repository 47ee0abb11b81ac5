#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "graft/core/api.h"

namespace graft {

/// One cell of a record; a list of texts is for records that have several labels.
using Value = std::variant<std::monostate, std::int64_t, double, std::string, at::Tensor, std::vector<std::string>>;

/// A row as it was read: texts, paths, labels, gold answers.
struct GRAFT_API Record {
  std::map<std::string, Value> values = {};
  /// Where it was read, such as "tickets.csv:17".
  std::string place = {};

  bool has(const std::string& field) const { return values.contains(field); }
  /// False where the field is missing and where it is empty (a null of JSON).
  bool has_value(const std::string& field) const;
  /// The value as text: numbers are written out. Throws DataError, naming the record's fields, if it is missing, empty or something else.
  std::string text(const std::string& field) const;
  /// The value as a finite number; a text must be a number from its first character to its last ("1.5", "-2e3"). Throws DataError if it is
  /// missing or no such number.
  double number(const std::string& field) const;
  /// The tensor. Throws DataError if it is missing or something else.
  const at::Tensor& tensor(const std::string& field) const;
};

}  // namespace graft
