#pragma once

#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/record.h"

namespace graft {

/// A rectangle in a picture. Coordinates are pixels of the picture as it is shown (turned as its file says), from its upper left corner:
/// the first pixel reaches from 0 to 1, `x2` and `y2` are where the rectangle ends.
struct Box {
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  std::string label = {};
  /// In [0, 1]; 1 where it is given.
  double score = 1;

  double area() const { return (x2 - x1) * (y2 - y1); }
};

/// A box of a record, with what data sets say of it beside.
struct GivenBox : Box {
  /// A group that is not told apart (COCO's iscrowd), or one too hard to see (VOC's difficult): nobody learns it, and finding it is neither
  /// right nor wrong.
  bool ignored = false;
  /// Pixels that belong to the object (COCO's segmentation); that of the box where nothing is said.
  double object_area = 0;
};

/// Share of the common area of two boxes in the area that they cover, in [0, 1].
GRAFT_API double intersection_over_union(const Box& a, const Box& b);

/// The boxes of a record, in its order. Fields: "boxes" [M, 4] (x1, y1, x2, y2), "classes" (a list of M names), and where known "ignored"
/// [M] (1 or 0) and "areas" [M]. Throws DataError if their lengths differ or they are missing.
GRAFT_API std::vector<GivenBox> boxes_of(const Record& record);

/// Writes them into a record, "ignored" and "areas" where they say more than the boxes.
GRAFT_API void set_boxes(Record& record, const std::vector<GivenBox>& boxes);

}  // namespace graft
