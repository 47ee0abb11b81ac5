#include "graft/image/colour.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "image/formats.h"

namespace graft::image {
namespace {

using Byte = unsigned char;
using Table = std::array<Byte, 256>;
using Counts = std::array<std::int64_t, 256>;

/// Between `from` (0) and `to` (1), or beyond; whole parts only, in single precision, as PIL has it.
Byte blended(int from, int to, float factor) {
  return static_cast<Byte>(std::clamp(static_cast<float>(from) + factor * static_cast<float>(to - from), 0.0F, 255.0F));
}

/// With the weights of ITU-R 601-2 in 16 binary places.
int grey_of(const Byte* pixel) { return (pixel[0] * 19595 + pixel[1] * 38470 + pixel[2] * 7471 + 0x8000) >> 16; }

/// A new picture of what `change` writes for each pixel.
template <class Change>
at::Tensor each_pixel(const at::Tensor& given, const Change& change) {
  const at::Tensor picture = checked_picture(given, "Colours");
  at::Tensor result = at::empty_like(picture);
  const Byte* from = picture.const_data_ptr<Byte>();
  Byte* to = result.mutable_data_ptr<Byte>();
  for (const Byte* end = from + picture.numel(); from != end; from += 3, to += 3) change(from, to);
  return result;
}

at::Tensor looked_up(const at::Tensor& picture, const std::array<Table, 3>& tables) {
  return each_pixel(picture, [&](const Byte* from, Byte* to) {
    for (std::size_t c = 0; c < 3; ++c) to[c] = tables[c][from[c]];
  });
}

/// The same `of` each value in all colours.
template <class Of>
at::Tensor each_value(const at::Tensor& picture, const Of& of) {
  Table table;
  for (int value = 0; value < 256; ++value) table[static_cast<std::size_t>(value)] = of(value);
  return looked_up(picture, {table, table, table});
}

std::array<Counts, 3> counted(const at::Tensor& given) {
  const at::Tensor picture = checked_picture(given, "Colours");
  std::array<Counts, 3> counts{};
  const Byte* from = picture.const_data_ptr<Byte>();
  for (std::int64_t i = 0; i < picture.numel(); ++i) ++counts[static_cast<std::size_t>(i % 3)][from[i]];
  return counts;
}

Byte truncated(double value) { return static_cast<Byte>(std::clamp(value, 0.0, 255.0)); }

/// Hue, saturation and value, each in 0 to 255.
std::array<Byte, 3> hsv_of(const Byte* rgb) {
  const auto [least, most] = std::minmax({rgb[0], rgb[1], rgb[2]});
  if (least == most) return {0, 0, most};
  const auto range = static_cast<float>(most - least);
  const auto below = [&](int c) { return static_cast<float>(most - rgb[c]) / range; };
  const double sector = rgb[0] == most   ? static_cast<double>(below(2) - below(1))
                        : rgb[1] == most ? 2.0 + static_cast<double>(below(0)) - static_cast<double>(below(2))
                                         : 4.0 + static_cast<double>(below(1)) - static_cast<double>(below(0));
  const double turn = static_cast<double>(static_cast<float>(sector)) / 6 + 1;
  const auto hue = static_cast<float>(turn < 1 ? turn : turn - 1);
  return {truncated(static_cast<double>(hue) * 255), truncated(static_cast<double>(range / static_cast<float>(most)) * 255), most};
}

/// Where each hue lies on the circle of six colours: between which two, and how far.
struct Turn {
  std::size_t sector;
  double rest;
};
const std::array<Turn, 256> turns = [] {
  std::array<Turn, 256> all;
  for (std::size_t hue = 0; hue < 256; ++hue) {
    const double turn = static_cast<double>(hue) * 6 / 255;
    const auto sector = static_cast<std::size_t>(turn);
    all[hue] = {sector % 6, static_cast<double>(static_cast<float>(turn - static_cast<double>(sector)))};
  }
  return all;
}();

void rgb_of(const std::array<Byte, 3>& hsv, Byte* rgb) {
  const double value = hsv[2], saturation = static_cast<double>(static_cast<float>(hsv[1]) / 255.0F);
  const auto& [sector, rest] = turns[hsv[0]];
  const auto rounded = [](double number) { return static_cast<Byte>(static_cast<int>(number + 0.5)); };
  const std::array<Byte, 4> levels{hsv[2], rounded(value * (1 - saturation * (1 - rest))), rounded(value * (1 - saturation * rest)),
                                   rounded(value * (1 - saturation))};  // full, rising, falling, low
  constexpr std::array<std::array<std::size_t, 3>, 6> order{{{0, 1, 3}, {2, 0, 3}, {3, 0, 1}, {3, 2, 0}, {1, 3, 0}, {0, 3, 2}}};
  for (std::size_t c = 0; c < 3; ++c) rgb[c] = levels[order[sector][c]];
}

/// The mean of each pixel, five times, and its neighbours; the rim stays.
at::Tensor smoothed(const at::Tensor& picture) {
  at::Tensor result = picture.clone();
  const std::int64_t height = picture.size(0), row = picture.size(1) * 3;
  const Byte* from = picture.const_data_ptr<Byte>();
  Byte* to = result.mutable_data_ptr<Byte>();
  for (std::int64_t y = 1; y + 1 < height; ++y) {
    for (std::int64_t i = y * row + 3; i < (y + 1) * row - 3; ++i) {
      int sum = 4 * from[i];
      for (const std::int64_t line : {i - row, i, i + row}) sum += from[line - 3] + from[line] + from[line + 3];
      to[i] = static_cast<Byte>((2 * sum + 13) / 26);
    }
  }
  return result;
}

}  // namespace

at::Tensor with_brightness(const at::Tensor& picture, double factor) {
  return each_value(picture, [&](int value) { return blended(0, value, static_cast<float>(factor)); });
}

at::Tensor with_contrast(const at::Tensor& given, double factor) {
  const at::Tensor picture = checked_picture(given, "Colours");
  const Byte* from = picture.const_data_ptr<Byte>();
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < picture.numel(); i += 3) sum += grey_of(from + i);
  const auto mean = static_cast<int>(static_cast<double>(sum) / static_cast<double>(picture.numel() / 3) + 0.5);
  return each_value(picture, [&](int value) { return blended(mean, value, static_cast<float>(factor)); });
}

at::Tensor with_saturation(const at::Tensor& picture, double factor) {
  return each_pixel(picture, [&](const Byte* from, Byte* to) {
    const int grey = grey_of(from);
    for (int c = 0; c < 3; ++c) to[c] = blended(grey, from[c], static_cast<float>(factor));
  });
}

at::Tensor with_sharpness(const at::Tensor& given, double factor) {
  const at::Tensor picture = checked_picture(given, "Colours");
  at::Tensor result = smoothed(picture);
  const Byte* from = picture.const_data_ptr<Byte>();
  Byte* to = result.mutable_data_ptr<Byte>();
  for (std::int64_t i = 0; i < picture.numel(); ++i) to[i] = blended(to[i], from[i], static_cast<float>(factor));
  return result;
}

at::Tensor with_hue(const at::Tensor& picture, double shift) {
  const auto step = static_cast<Byte>(static_cast<int>(shift * 255));
  return each_pixel(picture, [&](const Byte* from, Byte* to) {
    std::array<Byte, 3> hsv = hsv_of(from);
    hsv[0] = static_cast<Byte>(hsv[0] + step);
    rgb_of(hsv, to);
  });
}

at::Tensor posterized(const at::Tensor& picture, int bits) {
  return each_value(picture, [&](int value) { return static_cast<Byte>(value & ~((1 << (8 - bits)) - 1)); });
}

at::Tensor solarized(const at::Tensor& picture, double threshold) {
  return each_value(picture, [&](int value) { return static_cast<Byte>(value < threshold ? value : 255 - value); });
}

at::Tensor stretched_colours(const at::Tensor& picture) {
  std::array<Table, 3> tables;
  const std::array<Counts, 3> counts = counted(picture);
  for (std::size_t c = 0; c < 3; ++c) {
    const auto is_used = [](std::int64_t count) { return count > 0; };
    const auto least = std::ranges::find_if(counts[c], is_used) - counts[c].begin();
    const auto most = 255 - (std::find_if(counts[c].rbegin(), counts[c].rend(), is_used) - counts[c].rbegin());
    const double scale = most > least ? 255.0 / static_cast<double>(most - least) : 1;
    const double offset = most > least ? static_cast<double>(-least) * scale : 0;
    for (std::size_t value = 0; value < 256; ++value) tables[c][value] = truncated(static_cast<double>(value) * scale + offset);
  }
  return looked_up(picture, tables);
}

at::Tensor equalized(const at::Tensor& picture) {
  std::array<Table, 3> tables;
  const std::array<Counts, 3> counts = counted(picture);
  for (std::size_t c = 0; c < 3; ++c) {
    const std::int64_t all = std::accumulate(counts[c].begin(), counts[c].end(), std::int64_t{0});
    const auto last = std::find_if(counts[c].rbegin(), counts[c].rend(), [](std::int64_t count) { return count > 0; });
    const std::int64_t step = (all - *last) / 255;
    std::int64_t sum = step / 2;
    for (std::size_t value = 0; value < 256; ++value) {
      tables[c][value] = step == 0 ? static_cast<Byte>(value) : static_cast<Byte>(std::min<std::int64_t>(sum / step, 255));
      sum += counts[c][value];
    }
  }
  return looked_up(picture, tables);
}

}  // namespace graft::image
