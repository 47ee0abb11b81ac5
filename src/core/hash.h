#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace graft {

/// A 128-bit digest of contents, equal in every process for equal contents. It guards against accidents, not against forgers. (XXH3)
class Hash {
 public:
  Hash();
  ~Hash();
  Hash(Hash&&) noexcept;
  Hash& operator=(Hash&&) noexcept;

  /// With its length, so that neighbours do not run into each other.
  Hash& add(std::string_view text);
  Hash& add(std::int64_t number);
  /// Type, shape and values.
  Hash& add(const at::Tensor& tensor);
  /// 32 digits.
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::uint64_t checksum(std::string_view bytes);

}  // namespace graft
