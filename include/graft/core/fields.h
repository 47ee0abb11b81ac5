#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graft/core/api.h"

namespace graft {

/// A small ordered map from name to tensor: what networks read, what heads give, what losses sum.
class GRAFT_API Fields {
 public:
  using Entry = std::pair<std::string, at::Tensor>;

  Fields() = default;
  Fields(std::initializer_list<Entry> entries);

  /// Throws ModelError that lists the names there are.
  const at::Tensor& operator[](std::string_view name) const;
  /// The tensor of that name, or null.
  const at::Tensor* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// Adds the tensor, or replaces the one of that name at its place.
  void set(std::string name, at::Tensor tensor);

  std::vector<std::string> names() const;
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  std::vector<Entry>::const_iterator begin() const { return entries_.begin(); }
  std::vector<Entry>::const_iterator end() const { return entries_.end(); }

 private:
  std::vector<Entry> entries_;
};

/// Every tensor on `device`; those that are there already are shared.
GRAFT_API Fields to(const Fields& fields, c10::Device device);

/// Rows `index` [M] of every tensor [N, ...].
GRAFT_API Fields rows(const Fields& fields, const at::Tensor& index);
/// The `count` rows from `start` on, as views.
GRAFT_API Fields rows(const Fields& fields, std::int64_t start, std::int64_t count);

/// "[8, 384]"
GRAFT_API std::string shape_text(at::IntArrayRef sizes);

}  // namespace graft
