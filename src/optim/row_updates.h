#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>

namespace graft {

/// Which rows of an embedding table have moments, in the order of their coming; a value.
class KnownRows {
 public:
  /// None is told apart: all rows of the table have moments, or no gradient came yet.
  KnownRows() = default;
  /// Distinct indices, int64 [M].
  explicit KnownRows(at::Tensor indices) : indices_(std::move(indices)) {}

  bool defined() const { return indices_.defined(); }
  const at::Tensor& indices() const { return indices_; }
  /// Where each of these distinct rows of a table [`table_rows`, ...] stands among them; those that are new come last from here on.
  at::Tensor add(const at::Tensor& read, std::int64_t table_rows);

 private:
  at::Tensor indices_;
  at::Tensor places_;  // of each row of the table, or -1
};

/// These rows of a table, as a tensor of their own.
at::Tensor take_rows(const at::Tensor& table, const at::Tensor& indices);
/// Writes `values` into these distinct rows of a table.
void put_rows(const at::Tensor& table, const at::Tensor& indices, const at::Tensor& values);
/// A tensor with as many rows of zeros behind its own.
at::Tensor with_more_rows(const at::Tensor& rows, std::int64_t more);

}  // namespace graft
