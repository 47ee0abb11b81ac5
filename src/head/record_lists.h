#pragma once

#include <string>
#include <vector>

#include "graft/data/record.h"

namespace graft::head {

/// The list of texts in a field of a record; empty where there is none.
inline const std::vector<std::string>& list_of(const Record& record, const std::string& field) {
  static const std::vector<std::string> none;
  const auto value = record.values.find(field);
  const auto* list = value == record.values.end() ? nullptr : std::get_if<std::vector<std::string>>(&value->second);
  return list != nullptr ? *list : none;
}

}  // namespace graft::head
