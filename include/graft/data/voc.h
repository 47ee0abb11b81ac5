#pragma once

#include <string>

#include "graft/core/api.h"
#include "graft/data/dataset.h"

namespace graft::data {

struct VocOptions {
  /// The pictures of the list ImageSets/Main/SPLIT.txt, in its order; empty: those of all annotations, by name.
  std::string split = {};
  /// Folder of the pictures; empty: JPEGImages beside Annotations or, where there is none, the folder of the annotations.
  std::string images = {};
};

/// Boxes in pictures, in the XML of Pascal VOC. `root` is a folder with Annotations (and ImageSets/Main for lists), or the folder of the
/// annotations itself. A record for each annotation, in whose place is the file:
///   image           path of the picture: the annotation's <filename>, else its own name with the ending of a picture
///   boxes, classes  as set_boxes() writes them; "difficult" objects are "ignored"
///   width, height   where the annotation has a <size>
/// Coordinates are taken as they stand: x1 = xmin, y1 = ymin, x2 = xmax, y2 = ymax. (The original data counts pixels from 1 and includes
/// the last one; tools that write this form mostly do not.) Throws DataError with up to 100 problems at once, each with file and line: XML
/// that is none or of another shape, coordinates that are no numbers, listed names without an annotation and names listed twice. Whether
/// boxes make sense and pictures are there is told by check_boxes().
GRAFT_API Data voc(const std::string& root, const VocOptions& options = {});

}  // namespace graft::data
