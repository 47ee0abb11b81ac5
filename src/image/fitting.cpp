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

at::Tensor framed(const at::Tensor& picture, PictureSize size, const Colour& colour) {
  at::Tensor frame = empty_picture(size);
  for (std::int64_t c = 0; c < 3; ++c) frame.select(2, c).fill_(colour[static_cast<std::size_t>(c)]);
  frame.narrow(0, (size.height - picture.size(0)) / 2, picture.size(0))
      .narrow(1, (size.width - picture.size(1)) / 2, picture.size(1))
      .copy_(picture);
  return frame;
}

}  // namespace

Colour mean_colour(const PicturesOptions& options) {
  Colour colour;
  std::ranges::transform(options.mean, colour.begin(),
                         [](double value) { return static_cast<unsigned char>(std::lround(std::clamp(value, 0.0, 1.0) * 255)); });
  return colour;
}

View fitted(const at::Tensor& picture, const PicturesOptions& options, Cut cut) {
  const PictureSize size{picture.size(0), picture.size(1)}, wanted{options.height, options.width};
  const auto scaled_to = [&](PictureSize to) { return Affine::scaled(share(to.width, size.width), share(to.height, size.height)); };
  const auto all_of_it = [&](PictureSize to) {
    return View{resize(picture, to.height, to.width, options.interpolation), scaled_to(to), size};
  };
  if (options.fit == Fit::Stretch) return all_of_it(wanted);
  if (options.fit == Fit::Letterbox) {
    const PictureSize inner = in_proportion(size, wanted, false);
    View view = all_of_it(inner);
    if (cut == Cut::Open) return view;
    view.map = view.map.then(
        Affine::shifted(static_cast<double>((wanted.width - inner.width) / 2), static_cast<double>((wanted.height - inner.height) / 2)));
    view.picture = framed(view.picture, wanted, mean_colour(options));
    return view;
  }
  const auto with_rim = [&](std::int64_t side) { return static_cast<std::int64_t>(static_cast<double>(side) / options.crop_share); };
  const PictureSize whole = in_proportion(size, {with_rim(wanted.height), with_rim(wanted.width)}, true);
  if (cut == Cut::Open) return all_of_it(whole);
  const Part centre{middle(whole.height, wanted.height), middle(whole.width, wanted.width), wanted.height, wanted.width};
  const Affine map = scaled_to(whole).then(Affine::shifted(-static_cast<double>(centre.left), -static_cast<double>(centre.top)));
  return {resize_part(picture, whole, centre, options.interpolation), map, size};
}

}  // namespace graft::image
