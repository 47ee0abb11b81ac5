#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "image/fitting.h"

namespace graft::image {

/// Pictures that were decoded and fitted once, up to a budget in bytes; what comes later is not kept, as an epoch asks for each picture
/// once, and to let go of one for another would gain nothing. For several threads.
class KeptPictures {
 public:
  explicit KeptPictures(std::int64_t budget) : budget_(budget) {}

  std::optional<View> find(const std::string& key) const;
  void add(const std::string& key, const View& view);
  void count() { ++decoded_; }
  std::int64_t decoded() const { return decoded_; }

 private:
  const std::int64_t budget_;
  mutable std::mutex mutex_;
  std::int64_t bytes_ = 0;
  std::unordered_map<std::string, View> views_;
  std::atomic<std::int64_t> decoded_ = 0;
};

}  // namespace graft::image
