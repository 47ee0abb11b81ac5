#include "image/letters.h"

#include <ATen/ATen.h>
#include <stb_easy_font.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace graft::image {

void fill(at::Tensor& picture, std::int64_t left, std::int64_t top, std::int64_t width, std::int64_t height, const Colour& colour) {
  const std::int64_t right = std::clamp<std::int64_t>(left + width, 0, picture.size(1));
  const std::int64_t bottom = std::clamp<std::int64_t>(top + height, 0, picture.size(0));
  for (std::int64_t y = std::max<std::int64_t>(top, 0); y < bottom; ++y) {
    auto* to = picture.mutable_data_ptr<unsigned char>() + 3 * y * picture.size(1);
    for (std::int64_t x = std::max<std::int64_t>(left, 0); x < right; ++x) std::ranges::copy(colour, to + 3 * x);
  }
}

std::string plain_text(const std::string& text) {
  std::string plain;
  for (const char byte : text) {
    const bool goes_on = (static_cast<unsigned char>(byte) & 0xc0) == 0x80;  // the rest of a letter of several bytes
    if (!goes_on) plain += byte >= ' ' && byte <= '~' ? byte : '?';
  }
  return plain;
}

std::int64_t width_of(const std::string& text) { return stb_easy_font_width(const_cast<char*>(text.c_str())); }

void write_text(at::Tensor& picture, std::int64_t left, std::int64_t top, std::int64_t scale, const std::string& text,
                const Colour& colour) {
  // Letters are made of upright rectangles, each of four corners: three coordinates and a colour.
  struct Corner {
    float x, y, z;
    unsigned char colour[4];
  };
  std::vector<Corner> corners(text.size() * 4 * 16);
  const int count = stb_easy_font_print(0, 0, const_cast<char*>(text.c_str()), nullptr, corners.data(),
                                        static_cast<int>(corners.size() * sizeof(Corner)));
  const auto whole = [&](float length) { return std::lround(length) * scale; };
  for (int i = 0; i < count; ++i) {
    const Corner &first = corners[static_cast<std::size_t>(4 * i)], &last = corners[static_cast<std::size_t>(4 * i + 2)];
    fill(picture, left + whole(first.x), top + whole(first.y), whole(last.x - first.x), whole(last.y - first.y), colour);
  }
}

}  // namespace graft::image
