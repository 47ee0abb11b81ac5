#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/stopwatch.h"
#include "graft/metric/metric.h"

namespace graft::train {

/// CRC-32C (Castagnoli) of the bytes.
std::uint32_t crc32c(std::string_view bytes);

/// A message as it lies in a TFRecord file: its length and its bytes, each with a checksum.
std::string event_record(std::string_view message);

/// An Event message that holds these scalars, by tag.
std::string scalars_event(double wall_time, std::int64_t step, const MetricValues& scalars);

/// A file of scalars that TensorBoard reads.
class EventFile {
 public:
  /// Makes a new file in the folder, which is there, for steps from `first_step` on; what older files of the folder have of these steps is
  /// no longer shown. Throws SystemError.
  EventFile(const std::string& folder, std::int64_t first_step);
  /// One event. Written by flush(), and every 10 seconds so that long epochs can be watched.
  void add(std::int64_t step, const MetricValues& scalars);
  void flush();

 private:
  std::string path_;
  std::string waiting_;
  Stopwatch since_flush_;
};

}  // namespace graft::train
