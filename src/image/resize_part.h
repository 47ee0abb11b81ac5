#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "graft/image/picture.h"
#include "graft/image/resize.h"

namespace graft::image {

/// A rectangle of whole pixels.
struct Part {
  std::int64_t top = 0, left = 0, height = 0, width = 0;
};

/// What resize() gives, of it the pixels of `part` alone.
at::Tensor resize_part(const at::Tensor& picture, PictureSize size, const Part& part, Interpolation interpolation);

}  // namespace graft::image
