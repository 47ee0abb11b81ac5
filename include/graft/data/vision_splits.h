#pragma once

#include <string>

#include "graft/core/api.h"
#include "graft/data/dataset.h"
#include "graft/data/picture_size.h"

namespace graft::data {

struct VisionSplitsOptions {
  /// Reads the sizes of pictures; yolo() needs it.
  SizeOf size_of = {};
};

/// Opens a set of pictures of whatever form, with the parts it names; a part that it does not name is empty, and what has no parts is
/// all training data. Records have boxes where the form has them, else "label". Known are:
///   a folder of class folders             image_folder()
///   a folder with train, and val (or valid, validation) and test, each with class folders or in the form of Pascal VOC
///   a folder with Annotations             voc(); parts are the lists train (or trainval), val and test of ImageSets/Main
///   a folder with annotations/instances_*.json   coco(); parts are the files instances_train..., instances_val... and instances_test...
///   a .json file                          coco()
///   a data.yaml                           yolo(); parts are its entries train, val and test
/// Throws DataError if it is none of them.
GRAFT_API Splits vision_splits(const std::string& path, const VisionSplitsOptions& options = {});

}  // namespace graft::data
