#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>

#include "graft/core/api.h"
#include "graft/data/boxes.h"
#include "graft/image/warp.h"

namespace graft::image {

/// Colours that are told apart, also by the colour-blind where they are the first seven (Okabe and Ito 2008); they repeat after ten.
GRAFT_API Colour class_colour(std::int64_t index);

/// Draws a box into the picture, uint8 [H, W, 3], in place, with a text on its upper edge where that is not empty. Lines and letters grow
/// with the picture; what lies outside of it is cut off; letters beyond ASCII become "?". A picture that is not contiguous becomes
/// so first. Throws DataError if the tensor is no picture.
GRAFT_API void draw_box(at::Tensor& picture, const Box& box, const Colour& colour, const std::string& text = "");

/// A line of one pixel on the box, with a dark one inside of it, in place: it is seen on any ground, and beside a drawn box. As draw_box().
GRAFT_API void draw_outline(at::Tensor& picture, const Box& box, const Colour& colour);

/// Pictures side by side, each in a cell as large as the largest of them, with its caption below; captions that are too long are cut.
/// Throws ConfigError if there are no pictures or columns, or captions of which there is not one for each picture.
GRAFT_API at::Tensor contact_sheet(std::span<const at::Tensor> pictures, std::int64_t columns, std::span<const std::string> captions = {});

}  // namespace graft::image
