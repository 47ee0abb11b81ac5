#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "graft/core/api.h"

namespace graft::image {

enum class Interpolation { Bilinear, Bicubic };

/// A picture (uint8 [H, W, 3]) in another size, uint8 [height, width, 3]; the picture itself if it has that size. Shrinking averages over
/// all that falls together. The same to the bit as Image.resize of Pillow up to version 12 with BILINEAR or BICUBIC: weights of 22 binary
/// places, rows first, rounded to 8 bits before and after the columns. (Version 13 does columns first where that is less work, and so
/// differs by a few levels there.) Throws DataError if the tensor is no picture, ConfigError if a side is below 1.
GRAFT_API at::Tensor resize(const at::Tensor& picture, std::int64_t height, std::int64_t width,
                            Interpolation interpolation = Interpolation::Bilinear);

}  // namespace graft::image
