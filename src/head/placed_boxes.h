#pragma once

#include <cstdint>
#include <optional>

#include "graft/core/fields.h"
#include "graft/data/boxes.h"

namespace graft::head {

/// Where a box of the picture lies in what the network sees of it, by a sample's "geometry" [2, 3] and "frame" [4] (see image::Pictures);
/// the box itself where they are missing. Nothing if too little of it is seen.
std::optional<Box> placed(const Box& box, const Fields& inputs);

/// The way back, for one row of a batch's inputs.
class Unplaced {
 public:
  Unplaced(const Fields& inputs, std::int64_t row);
  /// Within the picture.
  Box operator()(Box box) const;

 private:
  bool known_ = false;
  double x_scale_ = 1, x_offset_ = 0, y_scale_ = 1, y_offset_ = 0, width_ = 0, height_ = 0;
};

}  // namespace graft::head
