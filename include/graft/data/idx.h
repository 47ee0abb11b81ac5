#pragma once

#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/dataset.h"

namespace graft::data {

struct IdxOptions {
  /// Names of the classes 0, 1, 2, ...; empty: the numbers themselves.
  std::vector<std::string> labels = {};
};

/// Pictures and labels in the two files of MNIST and its kin (IDX of bytes, with three dimensions and with one), plain or packed by gzip:
///   image   uint8 [H, W]
///   label   name of the class
/// All pictures are kept in memory. Throws DataError if a file is none of these, ends early or goes on, if the files are of different
/// length, and if a label has no name.
GRAFT_API Data idx(const std::string& images, const std::string& labels, const IdxOptions& options = {});

}  // namespace graft::data
