#pragma once

#include <string>

#include "graft/core/api.h"
#include "graft/data/dataset.h"

namespace graft::data {

struct CocoOptions {
  /// Folder of the pictures; empty: the folder of the file or, where the first picture is not there, one beside it that has it: of
  /// annotations/instances_val2017.json val2017, images/val2017, images, or the one above.
  std::string images = {};
};

/// Boxes in pictures, in the JSON of COCO's detection task ("images", "annotations", "categories"). A record for each image, in the order
/// of the file, also where it has no annotation:
///   image           path of the picture
///   boxes, classes  as set_boxes() writes them, from "bbox" (x, y, width, height) and the names of the categories; annotations with
///   "iscrowd"
///                   are "ignored", "area" is the area of the object
///   width, height   where the file has them
/// Segmentations, captions and key points are passed over. Throws DataError that tells at once, each kind with its number and examples: ids
/// given twice, annotations of images or categories that are not there, category names given twice, boxes that are not four numbers; and
/// for JSON of another shape.
GRAFT_API Data coco(const std::string& path, const CocoOptions& options = {});

}  // namespace graft::data
