#pragma once

#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/dataset.h"
#include "graft/data/picture_size.h"

namespace graft::data {

struct YoloOptions {
  /// Reads the pictures' sizes, which boxes are shares of; must be given.
  SizeOf size_of = {};
  /// Which entry of data.yaml is read: train, val or test.
  std::string split = "train";
  /// Names of the classes 0, 1, 2, ...; empty: those of data.yaml or, without one, of a file classes.txt beside the labels or above them.
  std::vector<std::string> names = {};
};

/// Boxes in pictures, in the text files of YOLO: a line "class x y width height" for each, the middle and the sides as shares of the
/// picture, or "class x1 y1 x2 y2 x3 y3 ...", an outline, of which the box around it is taken (told once, graft-W025). `path` is a
/// data.yaml (path, train, val, test, names), a text file with the path of a picture a line, or a folder of pictures. The labels of
/// …/images/a.jpg are in …/labels/a.txt, else in a.txt beside it. A record for each picture, by path or in the order of the list, also
/// where it has no labels:
///   image           path of the picture
///   boxes, classes  as set_boxes() writes them, in pixels
///   width, height   of the file
/// Throws DataError with up to 100 problems at once: pictures that are not there or cannot be read, lines that are no box, classes without
/// a name, a data.yaml that is none.
GRAFT_API Data yolo(const std::string& path, const YoloOptions& options);

}  // namespace graft::data
