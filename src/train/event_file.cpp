#include "train/event_file.h"

#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>
#include <filesystem>

#include "core/file.h"

namespace graft::train {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
    table[byte] = crc;
  }
  return table;
}();

/// A checksum over bytes that hold checksums themselves is weak, so TFRecord disguises them.
std::uint32_t masked_crc(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xa282ead8U; }

template <class Unsigned>
std::string little_endian(Unsigned value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof value; ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xffU);
  return bytes;
}

// Protobuf's wire format: a key, (number of the field << 3) | kind, then the value.
enum Kind : std::uint64_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7fU) | 0x80U);
  return bytes + static_cast<char>(value);
}

std::string field(std::uint64_t number, Kind kind, const std::string& value) { return varint((number << 3) | kind) + value; }

std::string field(std::uint64_t number, std::string_view bytes) { return field(number, Bytes, varint(bytes.size()).append(bytes)); }

/// Event: wall_time = 1, step = 2, file_version = 3, summary = 5, session_log = 7.
std::string event(double wall_time, std::int64_t step) {
  return field(1, Fixed64, little_endian(std::bit_cast<std::uint64_t>(wall_time))) +
         field(2, Varint, varint(static_cast<std::uint64_t>(step)));
}

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

/// An empty file of a name that is not taken.
std::string new_file(const std::string& folder) {
  const std::string seconds = std::to_string(static_cast<std::int64_t>(now()));
  const std::string base =
      (std::filesystem::path(folder) / ("events.out.tfevents." + seconds + ".graft." + std::to_string(::getpid()))).string();
  for (int number = 0;; ++number) {
    // TensorBoard reads the files of a folder in the order of their names.
    const std::string path = number == 0 ? base : base + "." + std::to_string(number);
    if (make_new_file(path)) return path;
  }
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xffffffffU;
  for (const char byte : bytes) crc = (crc >> 8) ^ crc_table[(crc ^ static_cast<unsigned char>(byte)) & 0xffU];
  return ~crc;
}

std::string event_record(std::string_view message) {
  const std::string length = little_endian(std::uint64_t{message.size()});
  return (length + little_endian(masked_crc(length))).append(message) + little_endian(masked_crc(message));
}

std::string scalars_event(double wall_time, std::int64_t step, const MetricValues& scalars) {
  std::string summary;
  for (const auto& [tag, value] : scalars) {
    // Value: tag = 1, simple_value = 2.
    summary += field(1, field(1, tag) + field(2, Fixed32, little_endian(std::bit_cast<std::uint32_t>(static_cast<float>(value)))));
  }
  return event(wall_time, step) + field(5, summary);
}

EventFile::EventFile(const std::string& folder, std::int64_t first_step) : path_(new_file(folder)) {
  waiting_ = event_record(event(now(), 0) + field(3, "brain.Event:2"));
  // SessionLog with status = START: TensorBoard drops what it has of this and later steps.
  waiting_ += event_record(event(now(), first_step) + field(7, field(1, Varint, varint(1))));
  flush();
}

void EventFile::add(std::int64_t step, const MetricValues& scalars) {
  waiting_ += event_record(scalars_event(now(), step, scalars));
  if (since_flush_.seconds() > 10) flush();
}

void EventFile::flush() {
  append_to_file(path_, waiting_);
  waiting_.clear();
  since_flush_ = Stopwatch();
}

}  // namespace graft::train
