#include "graft/image/resize.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <vector>

#include "graft/core/error.h"
#include "image/formats.h"
#include "image/resize_kernel.h"
#include "image/resize_part.h"

namespace graft::image {
namespace {

double triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }

/// Keys' cubic convolution with a = -0.5 (Cubic convolution interpolation for digital image processing, 1981).
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/// The weights of one side from `size` to `wanted` values, of them the `part` from `start` on.
struct Side {
  std::vector<std::int32_t> first, count, weights;
  std::int64_t most = 0;

  Side(std::int64_t size, std::int64_t wanted, std::int64_t start, std::int64_t part, Interpolation interpolation) {
    const auto filter = interpolation == Interpolation::Bilinear ? triangle : cubic;
    const double ratio = static_cast<double>(size) / static_cast<double>(wanted), stretch = std::max(ratio, 1.0);
    const double reach = (interpolation == Interpolation::Bilinear ? 1 : 2) * stretch;
    most = static_cast<std::int64_t>(std::ceil(reach)) * 2 + 1;
    weights.resize(static_cast<std::size_t>(most * part));
    std::vector<double> exact;
    for (std::int64_t i = start; i < start + part; ++i) {
      const double centre = (static_cast<double>(i) + 0.5) * ratio;
      // Truncation, not the floor: what lies below 0 is cut off anyway.
      const std::int64_t begin = std::max<std::int64_t>(0, static_cast<std::int64_t>(centre - reach + 0.5));
      const std::int64_t end = std::min(size, static_cast<std::int64_t>(centre + reach + 0.5));
      exact.clear();
      double sum = 0;
      for (std::int64_t k = begin; k < end; ++k) {
        exact.push_back(filter((static_cast<double>(k) - centre + 0.5) * (1 / stretch)));
        sum += exact.back();
      }
      first.push_back(static_cast<std::int32_t>(begin));
      count.push_back(static_cast<std::int32_t>(end - begin));
      std::int32_t* to = weights.data() + (i - start) * most;
      for (const double weight : exact) *to++ = static_cast<std::int32_t>(std::round(weight / sum * (1 << weight_bits)));
    }
  }

  Taps taps() const { return {first.data(), count.data(), weights.data(), most}; }
  /// What of the `size` values is read.
  std::int64_t begin() const { return first.front(); }
  std::int64_t end() const { return first.back() + count.back(); }
};

/// Rows `begin` to `end` in another width.
at::Tensor with_width(const at::Tensor& picture, const Side& side, std::int64_t begin, std::int64_t end) {
  const std::int64_t row = picture.size(1) * 3, width = static_cast<std::int64_t>(side.first.size());
  at::Tensor result = empty_picture({end - begin, width});
  const auto* from = picture.const_data_ptr<unsigned char>();
  auto* to = result.mutable_data_ptr<unsigned char>();
  const std::int64_t followed = std::min(end, picture.size(0) - 1);
  for (std::int64_t y = begin; y < followed; ++y, to += width * 3) resize_row(from + y * row, side.taps(), width, to);
  if (end > followed) {  // beyond the last row there is no byte to read
    std::vector<unsigned char> last(static_cast<std::size_t>(row) + 1);
    std::memcpy(last.data(), from + followed * row, static_cast<std::size_t>(row));
    resize_row(last.data(), side.taps(), width, to);
  }
  return result;
}

/// In another height; the picture's rows begin with row `begin` of what `side` reads.
at::Tensor with_height(const at::Tensor& picture, const Side& side, std::int64_t begin) {
  const std::int64_t row = picture.size(1) * 3, height = static_cast<std::int64_t>(side.first.size());
  at::Tensor result = empty_picture({height, picture.size(1)});
  const auto* from = picture.const_data_ptr<unsigned char>();
  auto* to = result.mutable_data_ptr<unsigned char>();
  for (std::int64_t y = 0; y < height; ++y) {
    const auto i = static_cast<std::size_t>(y);
    sum_rows(from + (side.first[i] - begin) * row, row, side.weights.data() + y * side.most, side.count[i], row, to + y * row);
  }
  return result;
}

}  // namespace

at::Tensor resize(const at::Tensor& picture, std::int64_t height, std::int64_t width, Interpolation interpolation) {
  const at::Tensor seen = checked_picture(picture, "Resize");
  if (height < 1 || width < 1) {
    throw ConfigError({.code = "graft-C110",
                       .message = "[Resize] a height and a width of at least 1 are wanted, got " + std::to_string(height) + " and " +
                                  std::to_string(width) + ".",
                       .remedy = "224 x 224 is usual.",
                       .place = ""});
  }
  return resize_part(seen, {height, width}, {0, 0, height, width}, interpolation);
}

at::Tensor resize_part(const at::Tensor& picture, PictureSize size, const Part& part, Interpolation interpolation) {
  at::Tensor seen = picture;
  std::int64_t begin = part.top, end = part.top + part.height;
  std::optional<Side> rows;
  if (size.height != picture.size(0)) {
    rows.emplace(picture.size(0), size.height, part.top, part.height, interpolation);
    begin = rows->begin(), end = rows->end();
  }
  if (size.width != picture.size(1)) {
    seen = with_width(picture, Side(picture.size(1), size.width, part.left, part.width, interpolation), begin, end);
  } else if (begin > 0 || end < picture.size(0) || part.width < size.width) {
    seen = picture.narrow(0, begin, end - begin).narrow(1, part.left, part.width).contiguous();
  }
  return rows ? with_height(seen, *rows, begin) : seen;
}

}  // namespace graft::image
