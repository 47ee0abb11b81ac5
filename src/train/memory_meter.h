#pragma once

#include <c10/core/Device.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <cstdint>
#include <memory>

namespace graft::train {

/// Counts the bytes of a kind of device that LibTorch hands out while it lives, in this thread and in those of its backward passes. What
/// was handed out before does not count, nor does giving it back.
class MemoryMeter {
 public:
  explicit MemoryMeter(c10::DeviceType device);
  ~MemoryMeter();
  MemoryMeter(const MemoryMeter&) = delete;
  MemoryMeter& operator=(const MemoryMeter&) = delete;
  /// The most that was held at once so far.
  std::int64_t peak() const;

 private:
  class Count;
  std::shared_ptr<Count> count_;
  int log_level_;  // of LibTorch, whose allocator complains of memory that it has not seen coming
  c10::DebugInfoGuard guard_;
};

}  // namespace graft::train
