#include "model/field_bytes.h"

#include <ATen/ATen.h>

#include <cstring>

namespace graft {
namespace {

void put(std::string& bytes, std::int64_t number) { bytes.append(reinterpret_cast<const char*>(&number), sizeof number); }

class Reader {
 public:
  explicit Reader(const std::string& bytes) : bytes_(bytes) {}
  std::int64_t number() {
    std::int64_t value = 0;
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  const char* take(std::size_t size) {
    const char* start = bytes_.data() + at_;
    at_ += size;
    return start;
  }

 private:
  const std::string& bytes_;
  std::size_t at_ = 0;
};

}  // namespace

std::string bytes_of_fields(const std::vector<Fields>& samples) {
  std::string bytes;
  put(bytes, static_cast<std::int64_t>(samples.size()));
  for (const Fields& fields : samples) {
    put(bytes, static_cast<std::int64_t>(fields.size()));
    for (const auto& [name, tensor] : fields) {
      const at::Tensor values = tensor.cpu().contiguous();
      put(bytes, static_cast<std::int64_t>(name.size()));
      bytes += name;
      put(bytes, static_cast<std::int64_t>(values.scalar_type()));
      put(bytes, values.dim());
      for (const std::int64_t size : values.sizes()) put(bytes, size);
      bytes.append(static_cast<const char*>(values.const_data_ptr()), values.nbytes());
    }
  }
  return bytes;
}

std::vector<Fields> fields_from_bytes(const std::string& bytes) {
  Reader reader(bytes);
  std::vector<Fields> samples(static_cast<std::size_t>(reader.number()));
  for (Fields& fields : samples) {
    for (std::int64_t left = reader.number(); left > 0; --left) {
      const auto length = static_cast<std::size_t>(reader.number());
      const std::string name(reader.take(length), length);
      const auto type = static_cast<at::ScalarType>(reader.number());
      std::vector<std::int64_t> sizes(static_cast<std::size_t>(reader.number()));
      for (std::int64_t& size : sizes) size = reader.number();
      at::Tensor tensor = at::empty(sizes, type);
      std::memcpy(tensor.mutable_data_ptr(), reader.take(tensor.nbytes()), tensor.nbytes());
      fields.set(name, std::move(tensor));
    }
  }
  return samples;
}

}  // namespace graft
