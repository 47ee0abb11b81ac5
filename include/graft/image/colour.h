#pragma once

#include <ATen/core/Tensor.h>

#include "graft/core/api.h"

/// Other colours of a picture, uint8 [H, W, 3], each a new tensor and the same as PIL gives. A factor of 1 changes nothing, one of 0 goes
/// to the far end, one above 1 beyond the picture.
namespace graft::image {

/// 0 is black. (ImageEnhance.Brightness)
GRAFT_API at::Tensor with_brightness(const at::Tensor& picture, double factor);
/// 0 is the mean grey. (ImageEnhance.Contrast)
GRAFT_API at::Tensor with_contrast(const at::Tensor& picture, double factor);
/// 0 is grey. (ImageEnhance.Color)
GRAFT_API at::Tensor with_saturation(const at::Tensor& picture, double factor);
/// 0 is smoothed. (ImageEnhance.Sharpness)
GRAFT_API at::Tensor with_sharpness(const at::Tensor& picture, double factor);
/// Turned around the circle of colours by a share of it, in [-0.5, 0.5], through HSV of 8 bits. (torchvision's adjust_hue)
GRAFT_API at::Tensor with_hue(const at::Tensor& picture, double shift);

/// Only the upper bits, 1 to 8, of each value are kept. (ImageOps.posterize)
GRAFT_API at::Tensor posterized(const at::Tensor& picture, int bits);
/// Values of at least `threshold` become their negatives. (ImageOps.solarize)
GRAFT_API at::Tensor solarized(const at::Tensor& picture, double threshold);
/// Each colour is stretched from 0 to 255. (ImageOps.autocontrast)
GRAFT_API at::Tensor stretched_colours(const at::Tensor& picture);
/// Each colour's values become about equally frequent. (ImageOps.equalize)
GRAFT_API at::Tensor equalized(const at::Tensor& picture);

}  // namespace graft::image
