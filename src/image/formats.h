#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "graft/image/picture.h"

/// One source a file format. What they give is not turned yet; all throw DataError with `place`.
namespace graft::image {

/// What the head of a file says.
struct Head {
  /// As it is stored.
  PictureSize size;
  /// EXIF's, 1 to 8.
  int orientation = 1;
};

struct Decoded {
  at::Tensor picture;
  int orientation = 1;
};

Head jpeg_head(std::string_view bytes, const std::string& place);
Decoded decode_jpeg(std::string_view bytes, const std::string& place);
std::string encode_jpeg(const at::Tensor& picture, int quality);

Head png_head(std::string_view bytes, const std::string& place);
Decoded decode_png(std::string_view bytes, const std::string& place);

Head bmp_head(std::string_view bytes, const std::string& place);
Decoded decode_bmp(std::string_view bytes, const std::string& place);

Head pnm_head(std::string_view bytes, const std::string& place);
Decoded decode_pnm(std::string_view bytes, const std::string& place);

/// The DataError of a file that cannot be decoded.
[[noreturn]] void refuse_damaged(const std::string& reason, const std::string& place);
/// Throws where the claimed size is none, or more than is read.
PictureSize checked_size(std::int64_t height, std::int64_t width, const std::string& place);
at::Tensor empty_picture(PictureSize size);
/// Throws DataError unless the tensor is uint8 [H, W, 3] with pixels; contiguous then.
at::Tensor checked_picture(const at::Tensor& picture, const std::string& who);

/// Orientation from a block of EXIF (that begins with a TIFF header); 1 where it says none or is damaged.
int orientation_of(std::string_view exif);
/// The picture as it is shown.
at::Tensor turned(const at::Tensor& picture, int orientation);

}  // namespace graft::image
