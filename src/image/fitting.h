#pragma once

#include "graft/image/pictures.h"
#include "image/resize_part.h"

namespace graft::image {

/// What is seen of a picture: pixels, where they come from, and how large the picture was.
struct View {
  at::Tensor picture;
  Affine map;
  PictureSize original;
};

/// In the size that the options want.
View fitted(const at::Tensor& picture, const PicturesOptions& options);

}  // namespace graft::image
