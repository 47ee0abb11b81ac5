#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <variant>

namespace graft {

/// One cell of a record.
using Value = std::variant<std::monostate, std::int64_t, double, std::string, at::Tensor>;

/// A row as it was read: texts, paths, labels, gold answers.
struct Record {
  std::map<std::string, Value> values = {};
  /// Where it was read, such as "tickets.csv:17".
  std::string place = {};

  bool has(const std::string& field) const { return values.contains(field); }
  /// The value as text: numbers are written out. Throws DataError, naming the record's fields, if it is missing, empty or a tensor.
  std::string text(const std::string& field) const;
  /// The tensor. Throws DataError if it is missing or something else.
  const at::Tensor& tensor(const std::string& field) const;
};

}  // namespace graft
