#pragma once

#include <string>

#include "graft/core/api.h"
#include "graft/data/dataset.h"

namespace graft::data {

/// Pictures in one folder a class, ROOT/CLASS/…/picture.jpg: a record for each jpg, jpeg, png, bmp, ppm and pgm file, by class and path:
///   image   path of the file
///   label   name of the class folder
/// Folders inside a class folder belong to it; what begins with a dot is passed over, files of other kinds and class folders without a
/// picture are too, with a warning. Throws DataError if there are no class folders or no pictures, and if the folders are parts (train,
/// val, test) that hold class folders, which vision_splits() opens.
GRAFT_API Data image_folder(const std::string& root);

}  // namespace graft::data
