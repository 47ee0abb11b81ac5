#pragma once

#include <ATen/core/Tensor.h>

#include <array>

#include "graft/core/api.h"
#include "graft/image/affine.h"

namespace graft::image {

using Colour = std::array<unsigned char, 3>;

/// A picture, uint8 [H, W, 3], moved by `map` in its own frame, bilinear; what comes from outside of it has the colour `fill`. The same as
/// Image.transform of PIL, to one level.
GRAFT_API at::Tensor warped(const at::Tensor& picture, const Affine& map, const Colour& fill);

}  // namespace graft::image
