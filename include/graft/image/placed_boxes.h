#pragma once

#include <cstdint>
#include <optional>

#include "graft/core/api.h"
#include "graft/core/fields.h"
#include "graft/data/boxes.h"
#include "graft/image/affine.h"

namespace graft::image {

/// Where a box of the picture lies in what the network sees of it, by a sample's "geometry" [2, 3] and "frame" [4] (see Pictures); the box
/// itself where they are missing. Nothing if too little of it is seen.
GRAFT_API std::optional<Box> placed(const Box& box, const Fields& inputs);

/// The way back, for one row of a batch's inputs.
class GRAFT_API Unplaced {
 public:
  Unplaced(const Fields& inputs, std::int64_t row);
  /// Within the picture.
  Box operator()(const Box& box) const;

 private:
  struct Picture {
    Affine back;
    std::int64_t height = 0, width = 0;
  };
  std::optional<Picture> picture_;
};

}  // namespace graft::image
