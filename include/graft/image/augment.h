#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "graft/core/api.h"
#include "graft/core/rng.h"
#include "graft/image/affine.h"
#include "graft/image/picture.h"
#include "graft/image/resize.h"
#include "graft/image/warp.h"

namespace graft::image {

/// What training changes at random, in this order. What is off draws no random number.
struct AugmentOptions {
  /// A part of the picture is cut out and resized in place of the fit's own cut: its least share of the area, in (0, 1]; 0 disables.
  /// (Szegedy et al. 2015; torchvision's RandomResizedCrop.) 0.08 is usual for training from scratch, 0.35 for fine-tuning.
  double crop = 0;
  /// How far the part's proportions may differ from the network's: by a factor in [1 / crop_ratio, crop_ratio].
  double crop_ratio = 4.0 / 3;
  /// Probability of exchanging left and right, up and down; 0 disables.
  double horizontal_flip = 0, vertical_flip = 0;
  /// Turned by up to this many degrees to either side; 0 disables.
  double rotation = 0;
  /// RandAugment (Cubuk et al. 2020): this many operations of 14, drawn anew for each picture; 0 disables.
  int operations = 0;
  /// Strength of those operations, in [0, 30].
  double strength = 9;
  /// Brightness, contrast and saturation change by a factor in [1 - x, 1 + x]; 0 disables.
  double brightness = 0, contrast = 0, saturation = 0;
  /// The hue turns by up to this share of the circle to either side, in [0, 0.5]; 0 disables.
  double hue = 0;
  /// Probability that a rectangle of 2 % to 33 % of the picture is covered (random erasing, Zhong et al. 2020); 0 disables.
  double erasing = 0;

  bool operator==(const AugmentOptions&) const = default;
};

/// A picture on its way to the network: the pixels as they are now, the map to them from the pixels of the picture it was, and its size.
struct View {
  at::Tensor picture;
  Affine map;
  PictureSize original;
};

/// A part of at least `options.crop` of the picture, resized to `size`.
GRAFT_API void random_crop(View& view, PictureSize size, Interpolation interpolation, const AugmentOptions& options, Rng& rng);
GRAFT_API void random_flips(View& view, const AugmentOptions& options, Rng& rng);
GRAFT_API void random_rotation(View& view, const Colour& fill, const AugmentOptions& options, Rng& rng);
GRAFT_API void rand_augment(View& view, const Colour& fill, const AugmentOptions& options, Rng& rng);
/// Brightness, contrast, saturation, hue.
GRAFT_API void random_colours(View& view, const AugmentOptions& options, Rng& rng);
GRAFT_API void random_erasing(View& view, const Colour& fill, const AugmentOptions& options, Rng& rng);

/// All but the crop, in their order; `fill` is the colour of what is not seen.
GRAFT_API void augment(View& view, const Colour& fill, const AugmentOptions& options, Rng& rng);

}  // namespace graft::image
