#pragma once

#include <cstdint>
#include <string>

#include "graft/image/warp.h"

namespace graft::image {

/// A rectangle of whole pixels in one colour; what lies outside of the picture is cut off.
void fill(at::Tensor& picture, std::int64_t left, std::int64_t top, std::int64_t width, std::int64_t height, const Colour& colour);

/// Of the letters, in pixels at scale 1: from the top of a capital to the foot of a g.
constexpr std::int64_t letter_height = 10;

/// ASCII in one line: "?" for all else.
std::string plain_text(const std::string& text);
/// In pixels at scale 1. `text` must be plain.
std::int64_t width_of(const std::string& text);
/// The text from its upper left corner. It must be plain.
void write_text(at::Tensor& picture, std::int64_t left, std::int64_t top, std::int64_t scale, const std::string& text,
                const Colour& colour);

}  // namespace graft::image
