#include "graph/pickle_tensors.h"

#include <algorithm>
#include <cstring>

#include "graft/core/error.h"
#include "graph/policy.h"
#include "graph/storage_span.h"

namespace graft::graph {
namespace {

using Value = PickleValue;
using Kind = PickleValue::Kind;

// A storage is read once for each place that names it, which for LibTorch's own files is one.
constexpr std::uint64_t max_reads = 4;
constexpr std::size_t max_devices = 100;
// Numbers of a convolution are written as int16.
constexpr std::int64_t max_setting = 32767, max_spatial_dimensions = 3;
constexpr std::uint64_t max_settings_record = 4096;

/// Copies whole numbers of this many bytes out of `bytes`.
std::vector<std::int64_t> unpack(std::string_view bytes, std::size_t size) {
  std::vector<std::int64_t> numbers;
  for (std::size_t at = 0; at + size <= bytes.size(); at += size) {
    // Little-endian: the sign is in the last byte.
    std::int64_t number = bytes[at + size - 1] < 0 ? -1 : 0;
    std::memcpy(&number, bytes.data() + at, size);
    numbers.push_back(number);
  }
  return numbers;
}

bool all_within(std::span<const std::int64_t> numbers, std::int64_t lowest) {
  return std::ranges::all_of(numbers, [&](std::int64_t number) { return number >= lowest && number <= max_setting; });
}

/// dimensions, then for each of them strides, paddings, dilations and output paddings; groups; transposed or not.
bool is_convolution(std::span<const std::int64_t> settings) {
  if (settings.empty() || settings[0] < 1 || settings[0] > max_spatial_dimensions) return false;
  const auto dimensions = static_cast<std::size_t>(settings[0]);
  if (settings.size() != 3 + 4 * dimensions || !all_within(settings, 0)) return false;
  return all_within(settings.subspan(1, dimensions), 1) && all_within(settings.subspan(1 + 2 * dimensions, dimensions), 1) &&
         all_within(settings.subspan(1 + 4 * dimensions, 1), 1);
}

}  // namespace

void PickleTensors::refuse_beyond(const std::string& what) const {
  throw CheckpointError({.code = "graft-K017",
                         .message = "[Archive] tensors within their storage are wanted, in \"" + name_ + ".pkl\" " + what + ".",
                         .remedy = fetch_again_remedy,
                         .place = archive_.path()});
}

Value PickleTensors::storage(const Value& description) {
  const auto parts = stack_.elements(description);
  if (parts.size() < 5 || parts[0].kind != Kind::Text || text_of(bytes_, parts[0]) != "storage" || parts[1].kind != Kind::StorageType ||
      parts[2].kind != Kind::Text || parts[4].kind != Kind::Int) {
    refuse("has a storage that is not described as one");
  }
  if (parts[3].kind == Kind::Text && devices_.size() < max_devices) devices_.emplace(text_of(bytes_, parts[3]));
  const std::int64_t count = parts[4].number, bits = parts[1].bits;
  std::int64_t bytes = 0;
  if (count < 0 || __builtin_mul_overflow(count, std::max<std::int64_t>(bits / 8, 1), &bytes)) refuse("has a storage of no size");
  const Record* record = archive_.find(name_ + "/" + std::string(text_of(bytes_, parts[2])));
  if (count > 0) {
    const std::uint64_t there = record == nullptr ? 0 : record->size;
    if (static_cast<std::uint64_t>(bytes) > there) {
      refuse_beyond("a storage of " + std::to_string(bytes) + " bytes has a record of " + std::to_string(there));
    }
    read_ += there;
    if (read_ / max_reads > archive_.file_size()) refuse("reads its storages again and again");
  }
  storages_.push_back({record, text_of(bytes_, parts[1]), bytes});
  return {.kind = Kind::Storage, .bits = parts[1].bits, .number = static_cast<std::int64_t>(storages_.size()) - 1};
}

std::vector<std::int64_t> PickleTensors::integers(const Value& tuple) const {
  std::vector<std::int64_t> numbers;
  for (const Value& element : stack_.elements(tuple)) {
    if (element.kind != Kind::Int) refuse("has a tensor whose shape is no number");
    numbers.push_back(element.number);
  }
  return numbers;
}

Value PickleTensors::tensor(const Value& description) {
  const auto parts = stack_.elements(description);
  if (parts.size() < 4 || parts[0].kind != Kind::Storage || parts[1].kind != Kind::Int) refuse("has a tensor without a storage");
  const auto sizes = integers(parts[2]), strides = integers(parts[3]);
  const auto storage = static_cast<std::size_t>(parts[0].number);
  if (!is_within(sizes, strides, parts[1].number, parts[0].bits, storages_[storage].bytes)) {
    refuse_beyond("a tensor of sizes " + c10::str(at::IntArrayRef(sizes)) + " and strides " + c10::str(at::IntArrayRef(strides)) +
                  " at offset " + std::to_string(parts[1].number) + " has a storage of " + std::to_string(storages_[storage].bytes) +
                  " bytes");
  }
  const bool is_row = sizes.size() == 1 && strides[0] == 1;
  tensors_.push_back({storage, parts[1].number, is_row ? sizes[0] : 0, std::ranges::find(sizes, 0) != sizes.end()});
  return {.kind = Kind::Tensor, .bits = parts[0].bits, .number = static_cast<std::int64_t>(tensors_.size()) - 1};
}

/// An int, the content of a short tensor of whole numbers, or all of these in a list.
std::vector<std::int64_t> PickleTensors::numbers(const Value& value, int levels) const {
  if (value.kind == Kind::Int) return {value.number};
  if (value.kind == Kind::Tensor) {
    const Tensor& tensor = tensors_[static_cast<std::size_t>(value.number)];
    const Storage& storage = storages_[tensor.storage];
    const bool whole = storage.type == "torch\nShortStorage" || storage.type == "torch\nIntStorage" || storage.type == "torch\nLongStorage";
    if (!whole || storage.bytes == 0 || storage.record->size > max_settings_record) return {};
    const std::size_t size = value.bits / 8U;
    const std::string content = archive_.bytes(*storage.record);
    return unpack(
        std::string_view(content).substr(static_cast<std::size_t>(tensor.offset) * size, static_cast<std::size_t>(tensor.count) * size),
        size);
  }
  // Not deeper, since lists that hold each other twice take 2^depth steps.
  if (levels == 0) return {};
  std::vector<std::int64_t> all;
  for (const Value& element : stack_.elements(value)) {
    const auto part = numbers(element, levels - 1);
    if (part.empty()) return {};
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

/// A convolution's settings, as is_convolution() wants them; empty if the state is none that LibTorch reads.
std::vector<std::int64_t> PickleTensors::settings(std::span<const Value> state) const {
  if (state.size() == 3) {
    // (version, settings, tensors), or before that (version, [settings, weight], [bias])
    const auto list = stack_.elements(state[1]);
    return numbers(!list.empty() && list[0].kind == Kind::Tensor ? list[0] : state[1]);
  }
  if (state.size() < 6) return {};
  // (weight, bias, strides, paddings, dilations, groups)
  const auto strides = numbers(state[2]);
  std::vector<std::int64_t> all = {static_cast<std::int64_t>(strides.size())};
  for (const auto& part : {strides, numbers(state[3]), numbers(state[4]), std::vector<std::int64_t>(strides.size()), numbers(state[5])}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  all.push_back(0);
  return all;
}

/// A tensor without elements, or a list or tuple with one in it.
bool PickleTensors::has_empty(const Value& value, int levels) const {
  if (value.kind == Kind::Tensor) return tensors_[static_cast<std::size_t>(value.number)].empty;
  if (levels == 0 || (value.kind != Kind::Tuple && value.kind != Kind::Container)) return false;
  return std::ranges::any_of(stack_.elements(value), [&](const Value& element) { return has_empty(element, levels - 1); });
}

void PickleTensors::check_packed(const Value& state, bool convolution) const {
  if (has_empty(state)) refuse("has a packed layer without elements");
  if (convolution && !is_convolution(settings(stack_.elements(state)))) {
    refuse("has a convolution whose strides, dilations or groups make no sense");
  }
}

}  // namespace graft::graph
