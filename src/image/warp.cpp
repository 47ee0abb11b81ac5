#include "graft/image/warp.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "image/formats.h"

namespace graft::image {

at::Tensor warped(const at::Tensor& given, const Affine& map, const Colour& fill) {
  const at::Tensor picture = checked_picture(given, "Warp");
  const std::int64_t height = picture.size(0), width = picture.size(1);
  at::Tensor result = at::empty_like(picture);
  const auto* from = picture.const_data_ptr<unsigned char>();
  auto* to = result.mutable_data_ptr<unsigned char>();
  const Affine back = map.inverse();
  const auto w = static_cast<double>(width), h = static_cast<double>(height);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x, to += 3) {
      const Point source = back.apply({static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5});
      if (!(source.x >= 0 && source.x < w && source.y >= 0 && source.y < h)) {
        std::ranges::copy(fill, to);
        continue;
      }
      // Between the centres of four pixels; beyond the outermost centres the rim goes on.
      const double left = std::floor(source.x - 0.5), top = std::floor(source.y - 0.5);
      const double right_share = source.x - 0.5 - left, low_share = source.y - 0.5 - top;
      const auto column = [&](std::int64_t i) { return 3 * std::clamp<std::int64_t>(static_cast<std::int64_t>(left) + i, 0, width - 1); };
      const auto row = [&](std::int64_t i) {
        return from + 3 * width * std::clamp<std::int64_t>(static_cast<std::int64_t>(top) + i, 0, height - 1);
      };
      const unsigned char *upper = row(0), *lower = row(1);
      const std::int64_t near = column(0), far = column(1);
      for (int c = 0; c < 3; ++c) {
        const auto between = [&](const unsigned char* line) { return line[near + c] + (line[far + c] - line[near + c]) * right_share; };
        const double above = between(upper), below = between(lower);
        to[c] = static_cast<unsigned char>(above + (below - above) * low_share);
      }
    }
  }
  return result;
}

}  // namespace graft::image
