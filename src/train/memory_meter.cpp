#include "train/memory_meter.h"

#include <c10/core/Allocator.h>
#include <c10/util/Logging.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace graft::train {

class MemoryMeter::Count final : public c10::MemoryReportingInfoBase {
 public:
  explicit Count(c10::DeviceType device) : device_(device) {}

  bool memoryProfilingEnabled() const override { return true; }

  void reportMemoryUsage(void* place, std::int64_t size, std::size_t, std::size_t, c10::Device device) override {
    if (device.type() != device_) return;
    const std::lock_guard lock(mutex_);
    if (size > 0) {
      held_ += size;
      sizes_[place] = size;
      peak_ = std::max(peak_, held_);
    } else if (const auto known = sizes_.find(place); known != sizes_.end()) {
      held_ -= known->second;
      sizes_.erase(known);
    }
  }

  std::int64_t peak() const {
    const std::lock_guard lock(mutex_);
    return peak_;
  }

 private:
  c10::DeviceType device_;
  mutable std::mutex mutex_;  // backward passes of GPUs have threads of their own
  std::unordered_map<void*, std::int64_t> sizes_;
  std::int64_t held_ = 0, peak_ = 0;
};

// Where LibTorch's profiler would be: its allocators report to what is there.
MemoryMeter::MemoryMeter(c10::DeviceType device)
    : count_(std::make_shared<Count>(device)),
      log_level_(std::exchange(FLAGS_caffe2_log_level, c10::GLOG_ERROR)),
      guard_(c10::DebugInfoKind::PROFILER_STATE, count_) {}

MemoryMeter::~MemoryMeter() { FLAGS_caffe2_log_level = log_level_; }

std::int64_t MemoryMeter::peak() const { return count_->peak(); }

}  // namespace graft::train
