#include "graft/backbone/safetensors.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <ostream>
#include <set>

#include "core/file.h"
#include "core/json.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"

namespace graft::backbone {
namespace {

// The format: 8 bytes little-endian length of the header, a JSON header, the data (huggingface/safetensors, README).
constexpr std::uint64_t max_header = 100ULL << 20, max_elements = 1ULL << 60;
// A header is an object of objects with lists of numbers; deeper ones only take memory. Operators stop at 64 dimensions.
constexpr int max_depth = 3;
constexpr std::size_t max_rank = 64;

const std::map<std::string, at::ScalarType> types = {
    {"F64", at::kDouble}, {"F32", at::kFloat}, {"F16", at::kHalf}, {"BF16", at::kBFloat16}, {"I64", at::kLong},
    {"I32", at::kInt},    {"I16", at::kShort}, {"I8", at::kChar},  {"U8", at::kByte},       {"BOOL", at::kBool}};

struct Entry {
  std::string name;
  at::ScalarType type;
  std::vector<std::int64_t> shape;
  std::uint64_t begin, end;
};

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), file_(Mapping::open(path)) {}

  Fields read(std::map<std::string, std::string>* metadata) {
    Json header = parse_header();
    std::vector<Entry> entries;
    for (const auto& [name, description] : header.items()) {
      if (name != "__metadata__") entries.push_back(entry(name, description));
      if (name == "__metadata__" && metadata != nullptr) take(description, *metadata);
    }
    std::ranges::sort(entries, {}, &Entry::begin);
    std::uint64_t covered = 0;
    for (const Entry& entry : entries) {
      if (entry.begin != covered) refuse("\"" + entry.name + "\" overlaps another tensor or leaves a gap before it");
      covered = entry.end;
    }
    if (covered != data_size_) refuse(std::to_string(data_size_ - covered) + " bytes at the end belong to no tensor");
    Fields tensors;
    for (const Entry& entry : entries) tensors.set(entry.name, tensor(entry));
    return tensors;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw CheckpointError({.code = "graft-K005",
                           .message = "[Safetensors] the file is damaged or is no safetensors file: " + what + ".",
                           .remedy = "Fetch or export the file again.",
                           .place = path_});
  }

  void take(const Json& texts, std::map<std::string, std::string>& metadata) const {
    try {
      metadata = texts.get<std::map<std::string, std::string>>();
    } catch (const Json::exception&) {
      refuse("its metadata are no texts");
    }
  }

  Json parse_header() {
    const std::string_view bytes = file_->bytes();
    std::uint64_t length = 0;
    if (bytes.size() < 8) refuse("it is shorter than 8 bytes");
    std::memcpy(&length, bytes.data(), 8);
    if (length > max_header || length > bytes.size() - 8) refuse("its header claims " + std::to_string(length) + " bytes");
    data_start_ = 8 + length;
    data_size_ = bytes.size() - data_start_;
    // The JSON library keeps the last of two equal keys, so they are watched for while it parses.
    std::set<std::string> names;
    std::string twice;
    const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
      const bool opens = event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
      if (opens && depth >= max_depth) refuse("its header nests too deep");
      if (depth == 1 && event == Json::parse_event_t::key && !names.insert(value.get<std::string>()).second)
        twice = value.get<std::string>();
      return true;
    };
    try {
      Json header = Json::parse(bytes.substr(8, length), watch);
      if (!twice.empty()) refuse("\"" + twice + "\" stands in it twice");
      if (!header.is_object()) refuse("its header is no object");
      return header;
    } catch (const Json::exception&) {
      refuse("its header is not valid JSON");
    }
  }

  std::vector<std::uint64_t> whole_numbers(const std::string& name, const Json& list) const {
    // The JSON library would take 2.5 for 2 and true for 1.
    if (!list.is_array() || !std::ranges::all_of(list, [](const Json& number) { return number.is_number_unsigned(); })) {
      refuse("the description of \"" + name + "\" has something else than whole numbers");
    }
    return list.get<std::vector<std::uint64_t>>();
  }

  Entry entry(const std::string& name, const Json& description) const {
    try {
      const auto type = types.find(description.at("dtype").get<std::string>());
      if (type == types.end()) refuse("\"" + name + "\" has the unknown type " + description.at("dtype").get<std::string>());
      const auto shape = whole_numbers(name, description.at("shape"));
      const auto offsets = whole_numbers(name, description.at("data_offsets"));
      if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data_size_) refuse("\"" + name + "\" lies outside of it");
      if (shape.size() > max_rank) refuse("\"" + name + "\" has " + std::to_string(shape.size()) + " dimensions");
      std::uint64_t size = c10::elementSize(type->second), without_zeros = size;
      for (const std::uint64_t extent : shape) {
        if (extent != 0 && without_zeros > max_elements / extent) refuse("\"" + name + "\" is larger than any memory");
        size *= extent;
        without_zeros *= std::max<std::uint64_t>(extent, 1);
      }
      if (size != offsets[1] - offsets[0])
        refuse("\"" + name + "\" needs " + std::to_string(size) + " bytes and has " + std::to_string(offsets[1] - offsets[0]));
      return {name, type->second, {shape.begin(), shape.end()}, offsets[0], offsets[1]};
    } catch (const Json::exception&) {
      refuse("the description of \"" + name + "\" is incomplete");
    }
  }

  at::Tensor tensor(const Entry& entry) const {
    char* data = file_->data() + data_start_ + entry.begin;
    const auto options = at::TensorOptions(entry.type);
    if (entry.begin == entry.end) return at::empty(entry.shape, options);
    if (reinterpret_cast<std::uintptr_t>(data) % c10::elementSize(entry.type) == 0) {
      return at::from_blob(
          data, entry.shape, [file = file_](void*) {}, options);
    }
    at::Tensor copy = at::empty(entry.shape, options);  // operators want aligned elements
    std::memcpy(copy.data_ptr(), data, entry.end - entry.begin);
    return copy;
  }

  std::string path_;
  std::shared_ptr<const Mapping> file_;
  std::uint64_t data_start_ = 0;
  std::uint64_t data_size_ = 0;
};

}  // namespace

Fields read_safetensors(const std::string& path, std::map<std::string, std::string>* metadata) {
  runtime();
  return Reader(path).read(metadata);
}

void write_safetensors(const Fields& tensors, const std::string& path, const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::vector<at::Tensor> values;
  std::uint64_t place = 0;
  for (const auto& [name, tensor] : tensors) {
    const auto type = std::ranges::find(types, tensor.scalar_type(), &std::pair<const std::string, at::ScalarType>::second);
    if (type == types.end()) {
      throw DataError({.code = "graft-D025",
                       .message = "[Safetensors] \"" + name + "\" has the type " + c10::toString(tensor.scalar_type()) +
                                  ", which the format does not know.",
                       .remedy = "Convert it, to float32 for example.",
                       .place = path});
    }
    values.push_back(tensor.detach().cpu().contiguous());
    header[name] = {{"dtype", type->first}, {"shape", tensor.sizes().vec()}, {"data_offsets", {place, place + values.back().nbytes()}}};
    place += values.back().nbytes();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the data is aligned
  write_file_atomically(path, [&](std::ostream& out) {
    const std::uint64_t length = text.size();
    out.write(reinterpret_cast<const char*>(&length), sizeof(length));
    out << text;
    for (const at::Tensor& value : values)
      out.write(static_cast<const char*>(value.const_data_ptr()), static_cast<std::streamsize>(value.nbytes()));
  });
}

}  // namespace graft::backbone
