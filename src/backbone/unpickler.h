#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace graft::backbone {

/// What a pickle of tensors may hold.
struct PickleObject {
  enum class Kind { None, Bool, Int, Float, Text, Tuple, List, Dict, Global, Storage, Tensor };
  Kind kind = Kind::None;
  std::int64_t integer = 0;  // Bool, Int; Storage: its number
  std::string text;          // Text; Global: "torch FloatStorage"
  std::vector<std::shared_ptr<PickleObject>> elements;
  std::vector<std::pair<std::shared_ptr<PickleObject>, std::shared_ptr<PickleObject>>> entries;
  at::Tensor tensor;
  int depth = 1;
  /// Others hold it: it can no longer be filled.
  bool is_full = false;
};
using PickleRef = std::shared_ptr<PickleObject>;

/// Reads pickles of tensors and containers (protocols 0 to 5) without running anything: what would call a function of Python is refused,
/// but for those that put tensors and ordered dictionaries together.
class Unpickler {
 public:
  /// What a storage is: its type's name ("torch FloatStorage"), key, elements, and where the pickle has it, the key of the storage it is a
  /// part of. Gives a number for it.
  using Storage = std::function<std::int64_t(const std::vector<PickleRef>& description)>;
  /// Makes a tensor over such a storage.
  using Tensor = std::function<at::Tensor(std::int64_t storage, std::int64_t offset, std::vector<std::int64_t> sizes,
                                          std::vector<std::int64_t> strides)>;
  /// Is told what is wrong, or what the pickle wants that it may not have, and throws.
  using Refuse = std::function<void(const std::string& what)>;
  struct Handlers {
    Storage storage;
    Tensor tensor;
    Refuse damaged, forbidden;
  };

  explicit Unpickler(Handlers handlers) : handlers_(std::move(handlers)) {}
  /// Reads one pickle from the start of `bytes`, which then begins behind it.
  PickleRef read(std::string_view& bytes);

 private:
  class Machine;
  Handlers handlers_;
};

}  // namespace graft::backbone
