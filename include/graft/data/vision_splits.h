#pragma once

#include <string>

#include "graft/core/api.h"
#include "graft/data/dataset.h"

namespace graft::data {

/// Opens a set of pictures of whatever form, with the parts it names; a part that it does not name is empty, and what has no parts is
/// all training data. Records have boxes where the form has them, else "label". Known are:
///   a folder of class folders             image_folder()
///   a folder with train, and val (or valid, validation) and test, each with class folders or in the form of Pascal VOC
///   a folder with Annotations             voc(); parts are the lists train (or trainval), val and test of ImageSets/Main
///   a .json file                          coco()
/// Throws DataError if it is none of them.
GRAFT_API Splits vision_splits(const std::string& path);

}  // namespace graft::data
