#include "image/fitting.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "image/formats.h"

namespace graft::image {
namespace {

double share(std::int64_t part, std::int64_t whole) { return static_cast<double>(part) / static_cast<double>(whole); }

/// The size in the picture's proportions of which one side is that of `wanted` and the other at least (`covers`) or at most that long.
PictureSize in_proportion(PictureSize size, PictureSize wanted, bool covers) {
  const bool by_width = (size.width * wanted.height <= size.height * wanted.width) == covers;
  // Whole pixels, rounded down, as torchvision has it.
  return by_width ? PictureSize{std::max<std::int64_t>(1, wanted.width * size.height / size.width), wanted.width}
                  : PictureSize{wanted.height, std::max<std::int64_t>(1, wanted.height * size.width / size.height)};
}

/// Half of what is left over, halves to even as Python rounds.
std::int64_t middle(std::int64_t whole, std::int64_t part) {
  return static_cast<std::int64_t>(std::nearbyint(static_cast<double>(whole - part) / 2));
}

at::Tensor framed(const at::Tensor& picture, PictureSize size, const std::vector<double>& colour) {
  at::Tensor frame = empty_picture(size);
  for (std::int64_t c = 0; c < 3; ++c)
    frame.select(2, c).fill_(std::lround(std::clamp(colour[static_cast<std::size_t>(c)], 0.0, 1.0) * 255));
  frame.narrow(0, (size.height - picture.size(0)) / 2, picture.size(0))
      .narrow(1, (size.width - picture.size(1)) / 2, picture.size(1))
      .copy_(picture);
  return frame;
}

}  // namespace

View fitted(const at::Tensor& picture, const PicturesOptions& options) {
  const PictureSize size{picture.size(0), picture.size(1)}, wanted{options.height, options.width};
  const auto scaled_to = [&](PictureSize to) { return Affine::scaled(share(to.width, size.width), share(to.height, size.height)); };
  if (options.fit == Fit::Stretch) return {resize(picture, wanted.height, wanted.width, options.interpolation), scaled_to(wanted), size};
  if (options.fit == Fit::Letterbox) {
    const PictureSize inner = in_proportion(size, wanted, false);
    const Affine map = scaled_to(inner).then(
        Affine::shifted(static_cast<double>((wanted.width - inner.width) / 2), static_cast<double>((wanted.height - inner.height) / 2)));
    return {framed(resize(picture, inner.height, inner.width, options.interpolation), wanted, options.mean), map, size};
  }
  const auto with_rim = [&](std::int64_t side) { return static_cast<std::int64_t>(static_cast<double>(side) / options.crop_share); };
  const PictureSize whole = in_proportion(size, {with_rim(wanted.height), with_rim(wanted.width)}, true);
  const Part centre{middle(whole.height, wanted.height), middle(whole.width, wanted.width), wanted.height, wanted.width};
  const Affine map = scaled_to(whole).then(Affine::shifted(-static_cast<double>(centre.left), -static_cast<double>(centre.top)));
  return {resize_part(picture, whole, centre, options.interpolation), map, size};
}

}  // namespace graft::image
