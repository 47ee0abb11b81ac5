#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#include <stb_image.h>

#include "image/formats.h"

namespace graft::image {
namespace {

std::int64_t number(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, size);  // little-endian, as the machines that graft runs on
  return size == 2 ? static_cast<std::int64_t>(value) : static_cast<std::int32_t>(value);
}

}  // namespace

Head bmp_head(std::string_view bytes, const std::string& place) {
  // File header: where the pixels begin at 10. Then the picture's header with its own size at 14; the oldest kind has 12 bytes.
  if (bytes.size() < 26) refuse_damaged("it is cut off", place);
  const bool is_old = number(bytes, 14, 4) == 12;
  if (!is_old && bytes.size() < 54) refuse_damaged("it is cut off", place);
  const std::int64_t width = is_old ? number(bytes, 18, 2) : number(bytes, 18, 4);
  const std::int64_t height = std::abs(is_old ? number(bytes, 20, 2) : number(bytes, 22, 4));
  const PictureSize size = checked_size(height, width, place);
  // stb_image reads zeros beyond the end.
  const std::int64_t bits = number(bytes, is_old ? 24 : 28, 2), row = (width * bits + 31) / 32 * 4;
  const std::int64_t first = number(bytes, 10, 4), held = static_cast<std::int64_t>(bytes.size());
  if (first < 0 || first > held || row * height > held - first) refuse_damaged("it is cut off", place);
  return {size, 1};
}

Decoded decode_bmp(std::string_view bytes, const std::string& place) {
  const PictureSize size = bmp_head(bytes, place).size;
  if (bytes.size() > std::numeric_limits<int>::max()) refuse_damaged("it has more than 2 GB", place);
  int width = 0, height = 0, channels = 0;
  const std::unique_ptr<stbi_uc, decltype(&std::free)> pixels(
      stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(bytes.data()), static_cast<int>(bytes.size()), &width, &height, &channels, 3),
      std::free);
  if (!pixels) refuse_damaged(stbi_failure_reason(), place);
  if (size != PictureSize{height, width}) refuse_damaged("its header contradicts itself", place);
  at::Tensor picture = empty_picture(size);
  std::memcpy(picture.mutable_data_ptr<unsigned char>(), pixels.get(), picture.nbytes());
  return {picture, 1};
}

}  // namespace graft::image
