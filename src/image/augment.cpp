#include "graft/image/augment.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "graft/image/colour.h"
#include "image/resize_part.h"

namespace graft::image {
namespace {

constexpr int tries = 10;

double between(double low, double high, Rng& rng) { return low + (high - low) * rng.uniform(); }

/// Sides of a rectangle of this area and proportion (width to height), in whole pixels.
PictureSize sides_of(double area, double proportion) {
  return {std::llround(std::sqrt(area / proportion)), std::llround(std::sqrt(area * proportion))};
}

/// A rectangle of this size anywhere in a picture.
Part placed(PictureSize part, PictureSize whole, Rng& rng) {
  const auto top = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(whole.height - part.height + 1)));
  const auto left = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(whole.width - part.width + 1)));
  return {top, left, part.height, part.width};
}

/// As torchvision draws it; where ten tries find no part that fits, the largest of an allowed proportion from the middle.
Part drawn_part(PictureSize whole, double proportion, const AugmentOptions& options, Rng& rng) {
  const auto height = static_cast<double>(whole.height), width = static_cast<double>(whole.width);
  const double wide = std::log(options.crop_ratio);
  for (int i = 0; i < tries; ++i) {
    const double area = height * width * between(options.crop, 1, rng);
    const PictureSize part = sides_of(area, proportion * std::exp(between(-wide, wide, rng)));
    if (part.height >= 1 && part.width >= 1 && part.height <= whole.height && part.width <= whole.width) return placed(part, whole, rng);
  }
  const double allowed = std::clamp(width / height, proportion / options.crop_ratio, proportion * options.crop_ratio);
  const PictureSize part = width / height < allowed
                               ? PictureSize{std::clamp<std::int64_t>(std::llround(width / allowed), 1, whole.height), whole.width}
                               : PictureSize{whole.height, std::clamp<std::int64_t>(std::llround(height * allowed), 1, whole.width)};
  return {(whole.height - part.height) / 2, (whole.width - part.width) / 2, part.height, part.width};
}

double factor(double change, Rng& rng) { return between(std::max(0.0, 1 - change), 1 + change, rng); }

}  // namespace

void random_crop(View& view, PictureSize size, Interpolation interpolation, const AugmentOptions& options, Rng& rng) {
  const auto height = static_cast<double>(size.height), width = static_cast<double>(size.width);
  const Part part = drawn_part({view.picture.size(0), view.picture.size(1)}, width / height, options, rng);
  const at::Tensor cut = view.picture.narrow(0, part.top, part.height).narrow(1, part.left, part.width);
  view.picture = resize(cut, size.height, size.width, interpolation);
  view.map = view.map.then(Affine::shifted(-static_cast<double>(part.left), -static_cast<double>(part.top)))
                 .then(Affine::scaled(width / static_cast<double>(part.width), height / static_cast<double>(part.height)));
}

void random_flips(View& view, const AugmentOptions& options, Rng& rng) {
  if (options.horizontal_flip > 0 && rng.uniform() < options.horizontal_flip) {
    view.picture = view.picture.flip(1);
    view.map = view.map.then(Affine::mirrored(static_cast<double>(view.picture.size(1))));
  }
  if (options.vertical_flip > 0 && rng.uniform() < options.vertical_flip) {
    view.picture = view.picture.flip(0);
    view.map = view.map.then(Affine::upended(static_cast<double>(view.picture.size(0))));
  }
}

void random_rotation(View& view, const Colour& fill, const AugmentOptions& options, Rng& rng) {
  if (options.rotation == 0) return;
  const Point centre{static_cast<double>(view.picture.size(1)) / 2, static_cast<double>(view.picture.size(0)) / 2};
  const Affine turn = Affine::rotated(between(-options.rotation, options.rotation, rng), centre);
  view.picture = warped(view.picture, turn, fill);
  view.map = view.map.then(turn);
}

void random_colours(View& view, const AugmentOptions& options, Rng& rng) {
  if (options.brightness > 0) view.picture = with_brightness(view.picture, factor(options.brightness, rng));
  if (options.contrast > 0) view.picture = with_contrast(view.picture, factor(options.contrast, rng));
  if (options.saturation > 0) view.picture = with_saturation(view.picture, factor(options.saturation, rng));
  if (options.hue > 0) view.picture = with_hue(view.picture, between(-options.hue, options.hue, rng));
}

void random_erasing(View& view, const Colour& fill, const AugmentOptions& options, Rng& rng) {
  if (options.erasing == 0 || rng.uniform() >= options.erasing) return;
  const PictureSize whole{view.picture.size(0), view.picture.size(1)};
  const double area = static_cast<double>(whole.height * whole.width);
  for (int i = 0; i < tries; ++i) {
    const PictureSize size = sides_of(area * between(0.02, 0.33, rng), std::exp(between(std::log(0.3), -std::log(0.3), rng)));
    if (size.height < 1 || size.width < 1 || size.height >= whole.height || size.width >= whole.width) continue;
    const Part part = placed(size, whole, rng);
    view.picture = view.picture.clone();
    for (std::int64_t c = 0; c < 3; ++c) {
      view.picture.select(2, c).narrow(0, part.top, part.height).narrow(1, part.left, part.width).fill_(fill[static_cast<std::size_t>(c)]);
    }
    return;
  }
}

void augment(View& view, const Colour& fill, const AugmentOptions& options, Rng& rng) {
  random_flips(view, options, rng);
  random_rotation(view, fill, options, rng);
  rand_augment(view, fill, options, rng);
  random_colours(view, options, rng);
  random_erasing(view, fill, options, rng);
}

}  // namespace graft::image
