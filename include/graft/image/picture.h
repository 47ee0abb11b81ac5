#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "graft/core/api.h"

namespace graft::image {

/// A picture is a tensor uint8 [H, W, 3], RGB, contiguous: the picture as it is shown, turned as its file says (EXIF).
struct PictureSize {
  std::int64_t height = 0, width = 0;

  bool operator==(const PictureSize&) const = default;
};

/// Reads JPEG, PNG, BMP and PNM (PBM, PGM, PPM), told apart by their content. Grey becomes RGB; CMYK becomes RGB and transparency is
/// dropped as PIL's convert("RGB") does; of 16 bits PNG keeps the upper 8, PNM is scaled by its largest value. Throws DataError if the file
/// is none of these, is cut off or damaged, or claims more than 178,956,970 pixels (PIL's limit).
GRAFT_API at::Tensor read_picture(const std::string& path);
/// The same from memory; `place` is what errors name.
GRAFT_API at::Tensor decode_picture(std::string_view bytes, const std::string& place);
/// The size that read_picture() gives, from the head of the file alone.
GRAFT_API PictureSize read_size(const std::string& path);

/// Throw DataError if the tensor is no picture. Files are written whole or not at all.
GRAFT_API std::string encode_png(const at::Tensor& picture);
GRAFT_API void write_png(const std::string& path, const at::Tensor& picture);
/// `quality` in [1, 100].
GRAFT_API void write_jpeg(const std::string& path, const at::Tensor& picture, int quality = 90);

}  // namespace graft::image
