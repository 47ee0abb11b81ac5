#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/archive.h"
#include "graph/pickle_stack.h"

namespace graft::graph {

/// The storages and tensors that a pickle describes, and what is wrong with them. It comes before loading, because code of the file and of
/// LibTorch runs on them while loading. Throws CheckpointError: graft-K014, or graft-K017 for what reaches beyond its record or storage.
class PickleTensors {
 public:
  /// `bytes` is the pickle that values of the stack point into; all three must live on.
  PickleTensors(const Archive& archive, const std::string& name, const std::string& bytes, const PickleStack& stack)
      : archive_(archive), name_(name), bytes_(bytes), stack_(stack) {}

  /// ("storage", type, key, device, count): the bytes of a record.
  PickleValue storage(const PickleValue& description);
  /// Where the storages lay when they were saved.
  const std::set<std::string>& devices() const { return devices_; }
  /// (storage, offset, sizes, strides, ...)
  PickleValue tensor(const PickleValue& description);
  /// The state of a packed convolution or linear layer: packing divides by its numbers and sizes without a look at them.
  void check_packed(const PickleValue& state, bool convolution) const;

 private:
  struct Storage {
    const Record* record;
    std::string_view type;
    std::int64_t bytes;
  };
  struct Tensor {
    std::size_t storage;
    std::int64_t offset, count;
    bool empty;
  };

  [[noreturn]] void refuse(const std::string& what) const { archive_.refuse("\"" + name_ + ".pkl\" " + what); }
  [[noreturn]] void refuse_beyond(const std::string& what) const;
  std::vector<std::int64_t> integers(const PickleValue& tuple) const;
  std::vector<std::int64_t> numbers(const PickleValue& value, int levels = 2) const;
  std::vector<std::int64_t> settings(std::span<const PickleValue> state) const;
  bool has_empty(const PickleValue& value, int levels = 2) const;

  const Archive& archive_;
  const std::string& name_;
  const std::string& bytes_;
  const PickleStack& stack_;
  std::vector<Storage> storages_;
  std::set<std::string> devices_;
  std::vector<Tensor> tensors_;
  std::uint64_t read_ = 0;
};

}  // namespace graft::graph
