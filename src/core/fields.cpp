#include "graft/core/fields.h"

#include <algorithm>

#include "core/names.h"
#include "graft/core/error.h"

namespace graft {

Fields::Fields(std::initializer_list<Entry> entries) {
  for (const Entry& entry : entries) set(entry.first, entry.second);
}

const at::Tensor* Fields::find(std::string_view name) const {
  const auto found = std::ranges::find(entries_, name, &Entry::first);
  return found == entries_.end() ? nullptr : &found->second;
}

const at::Tensor& Fields::operator[](std::string_view name) const {
  if (const at::Tensor* tensor = find(name)) return *tensor;
  throw ModelError({.code = "graft-M001",
                    .message = "[Fields] a tensor named \"" + std::string(name) + "\" is wanted, there are: " + quoted_list(names()) + ".",
                    .remedy = "Check the names that the head reads, or the columns that the preprocessing gives.",
                    .place = ""});
}

void Fields::set(std::string name, at::Tensor tensor) {
  const auto found = std::ranges::find(entries_, name, &Entry::first);
  if (found == entries_.end()) {
    entries_.emplace_back(std::move(name), std::move(tensor));
  } else {
    found->second = std::move(tensor);
  }
}

std::vector<std::string> Fields::names() const {
  std::vector<std::string> names;
  names.reserve(entries_.size());
  for (const Entry& entry : entries_) names.push_back(entry.first);
  return names;
}

Fields to(const Fields& fields, c10::Device device) {
  Fields moved;
  for (const auto& [name, tensor] : fields) moved.set(name, tensor.to(device, /*non_blocking=*/true));
  return moved;
}

Fields rows(const Fields& fields, const at::Tensor& index) {
  Fields selected;
  for (const auto& [name, tensor] : fields) selected.set(name, tensor.index_select(0, index));
  return selected;
}

Fields rows(const Fields& fields, std::int64_t start, std::int64_t count) {
  Fields part;
  for (const auto& [name, tensor] : fields) part.set(name, tensor.narrow(0, start, count));
  return part;
}

std::string shape_text(at::IntArrayRef sizes) {
  std::string text = "[";
  for (std::size_t i = 0; i < sizes.size(); ++i) text += (i ? ", " : "") + std::to_string(sizes[i]);
  return text + "]";
}

}  // namespace graft
