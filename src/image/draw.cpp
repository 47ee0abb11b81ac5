#include "graft/image/draw.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "graft/core/error.h"
#include "image/formats.h"
#include "image/letters.h"

namespace graft::image {
namespace {

constexpr Colour black{0, 0, 0}, white{255, 255, 255}, paper{245, 245, 245};

/// Letters of 10 pixels in pictures up to 300, of 20 beyond, and so on.
std::int64_t scale_of(std::int64_t height, std::int64_t width) { return 1 + std::min(height, width) / 300; }

Colour ink_on(const Colour& colour) { return 299 * colour[0] + 587 * colour[1] + 114 * colour[2] > 128'000 ? black : white; }

/// The text, or as much of it as is no wider, with two dots.
std::string fitting(std::string text, std::int64_t width) {
  if (width_of(text) <= width) return text;
  while (!text.empty() && width_of(text + "..") > width) text.pop_back();
  return text + "..";
}

/// A place as a pixel: far beyond the picture it does not matter how far.
std::int64_t pixel(double place) { return std::llround(std::clamp(place, -1e6, 1e6)); }

/// Four lines inside the rectangle.
void frame(at::Tensor& picture, std::int64_t left, std::int64_t top, std::int64_t right, std::int64_t bottom, std::int64_t line,
           const Colour& colour) {
  line = std::min(line, std::max<std::int64_t>(1, std::min(right - left, bottom - top)));
  fill(picture, left, top, right - left, line, colour);
  fill(picture, left, bottom - line, right - left, line, colour);
  fill(picture, left, top, line, bottom - top, colour);
  fill(picture, right - line, top, line, bottom - top, colour);
}

[[noreturn]] void refuse_sheet(const std::string& wanted, const std::string& got) {
  throw ConfigError({.code = "graft-C112",
                     .message = "[Sheet] " + wanted + ", got " + got + ".",
                     .remedy = "Leave the captions out, or give one for each picture.",
                     .place = ""});
}

}  // namespace

Colour class_colour(std::int64_t index) {
  constexpr std::array<Colour, 10> colours{{{230, 159, 0},
                                            {86, 180, 233},
                                            {0, 158, 115},
                                            {240, 228, 66},
                                            {0, 114, 178},
                                            {213, 94, 0},
                                            {204, 121, 167},
                                            {255, 255, 255},
                                            {110, 60, 220},
                                            {120, 70, 20}}};
  return colours[static_cast<std::size_t>(((index % 10) + 10) % 10)];
}

void draw_box(at::Tensor& picture, const Box& box, const Colour& colour, const std::string& text) {
  picture = checked_picture(picture, "Draw");
  const std::int64_t scale = scale_of(picture.size(0), picture.size(1));
  const std::int64_t left = pixel(box.x1), top = pixel(box.y1), right = pixel(box.x2), bottom = pixel(box.y2);
  frame(picture, left, top, right, bottom, scale, colour);
  if (text.empty()) return;
  const std::string plain = plain_text(text);
  const std::int64_t width = (width_of(plain) + 2) * scale, height = (letter_height + 2) * scale;
  const std::int64_t x = std::max<std::int64_t>(0, std::min(left, picture.size(1) - width));
  const std::int64_t y = std::max<std::int64_t>(0, top - height);  // above the box, where there is room
  fill(picture, x, y, width, height, colour);
  write_text(picture, x + scale, y + 2 * scale, scale, plain, ink_on(colour));
}

void draw_outline(at::Tensor& picture, const Box& box, const Colour& colour) {
  picture = checked_picture(picture, "Draw");
  const std::int64_t left = pixel(box.x1), top = pixel(box.y1), right = pixel(box.x2), bottom = pixel(box.y2);
  frame(picture, left + 1, top + 1, right - 1, bottom - 1, 1, black);
  frame(picture, left, top, right, bottom, 1, colour);
}

at::Tensor contact_sheet(std::span<const at::Tensor> pictures, std::int64_t columns, std::span<const std::string> captions) {
  if (pictures.empty() || columns < 1)
    refuse_sheet("pictures and columns are wanted", std::to_string(pictures.size()) + " and " + std::to_string(columns));
  if (!captions.empty() && captions.size() != pictures.size())
    refuse_sheet(std::to_string(pictures.size()) + " captions or none are wanted", std::to_string(captions.size()));
  std::int64_t height = 0, width = 0;
  for (const at::Tensor& picture : pictures) {
    checked_picture(picture, "Sheet");
    height = std::max(height, picture.size(0)), width = std::max(width, picture.size(1));
  }
  const std::int64_t scale = scale_of(height, width), gap = 4 * scale, strip = captions.empty() ? 0 : (letter_height + 4) * scale;
  const auto count = static_cast<std::int64_t>(pictures.size());
  columns = std::min(columns, count);
  const std::int64_t rows = (count + columns - 1) / columns;
  at::Tensor sheet = empty_picture({gap + rows * (height + strip + gap), gap + columns * (width + gap)});
  fill(sheet, 0, 0, sheet.size(1), sheet.size(0), paper);
  for (std::int64_t i = 0; i < count; ++i) {
    const at::Tensor& picture = pictures[static_cast<std::size_t>(i)];
    const std::int64_t top = gap + i / columns * (height + strip + gap), left = gap + i % columns * (width + gap);
    sheet.narrow(0, top + (height - picture.size(0)) / 2, picture.size(0))
        .narrow(1, left + (width - picture.size(1)) / 2, picture.size(1))
        .copy_(picture);
    if (captions.empty()) continue;
    const std::string caption = fitting(plain_text(captions[static_cast<std::size_t>(i)]), width / scale);
    write_text(sheet, left, top + height + 2 * scale, scale, caption, black);
  }
  return sheet;
}

}  // namespace graft::image
