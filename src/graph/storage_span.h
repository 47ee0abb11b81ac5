#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace graft::graph {

/// Types of four and two bits share a byte.
inline std::int64_t bits_per_element(at::ScalarType type) {
  if (type == at::kQUInt4x2) return 4;
  if (type == at::kQUInt2x4) return 2;
  return static_cast<std::int64_t>(c10::elementSize(type)) * 8;
}

/// The type of the elements of what a pickle calls "FloatStorage"; nothing if it is none.
inline std::optional<at::ScalarType> storage_type(std::string_view name) {
  for (int i = 0; i < static_cast<int>(at::ScalarType::Undefined); ++i) {
    const auto type = static_cast<at::ScalarType>(i);
    if (name == std::string(c10::toString(type)) + "Storage") return type;
  }
  return std::nullopt;
}

/// True if a tensor of this form stays within a storage of `bytes` and does not stand for far more elements than the storage has: LibTorch
/// believes what a file says about both, and a stride of zero makes any number of elements out of one.
inline bool is_within(at::IntArrayRef sizes, at::IntArrayRef strides, std::int64_t offset, std::int64_t bits, std::int64_t bytes) {
  constexpr std::int64_t max_repeats = 64, free_bytes = 64 << 20;
  if (sizes.size() != strides.size() || offset < 0) return false;
  std::int64_t last = offset, count = 1, step = 0;
  bool empty = false;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 0 || strides[i] < 0) return false;
    empty = empty || sizes[i] == 0;
  }
  if (empty) return true;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (__builtin_mul_overflow(sizes[i] - 1, strides[i], &step) || __builtin_add_overflow(last, step, &last) ||
        __builtin_mul_overflow(count, sizes[i], &count)) {
      return false;
    }
  }
  std::int64_t needed = 0, stands_for = 0;
  if (__builtin_add_overflow(last, 1, &last) || __builtin_mul_overflow(last, bits, &needed) ||
      __builtin_mul_overflow(count, bits, &stands_for)) {
    return false;
  }
  return (needed + 7) / 8 <= bytes && stands_for / 8 <= free_bytes + bytes * max_repeats;
}

}  // namespace graft::graph
