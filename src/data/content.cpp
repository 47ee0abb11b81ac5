#include "data/content.h"

#include <bit>
#include <cstdint>
#include <variant>
#include <vector>

#include "core/hash.h"

namespace graft {

std::string data::content(const Record& record) {
  Hash hash;
  for (const auto& [name, value] : record.values) {
    hash.add(name).add(static_cast<std::int64_t>(value.index()));
    if (const auto* text = std::get_if<std::string>(&value)) hash.add(*text);
    if (const auto* number = std::get_if<std::int64_t>(&value)) hash.add(*number);
    if (const auto* number = std::get_if<double>(&value)) hash.add(std::bit_cast<std::int64_t>(*number));
    if (const auto* tensor = std::get_if<at::Tensor>(&value)) hash.add(*tensor);
    if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
      hash.add(static_cast<std::int64_t>(list->size()));
      for (const std::string& text : *list) hash.add(text);
    }
  }
  return hash.hex();
}

}  // namespace graft
