#pragma once

#include "graft/image/pictures.h"
#include "image/resize_part.h"

namespace graft::image {

enum class Cut { Done, Open };

/// In the size that the options want; with Cut::Open all of the picture in that scale, for a part of it to be cut out later.
View fitted(const at::Tensor& picture, const PicturesOptions& options, Cut cut);

/// The mean as a colour.
Colour mean_colour(const PicturesOptions& options);

}  // namespace graft::image
