#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "graft/data/boxes.h"
#include "graft/data/decoded.h"

namespace graft::cli {

/// A folder of copies of pictures with what was found drawn in: objects as boxes in the colours of their classes, true ones as white lines;
/// other answers in a line below. Small pictures are enlarged to hold that line.
class DrawnPictures {
 public:
  /// Makes the folder. `files` are the pictures that will come, `labels` the classes, which give the colours. Throws ConfigError if one of
  /// the files lies in the folder: a copy could take its place.
  DrawnPictures(std::string folder, std::span<const std::string> files, std::vector<std::string> labels);

  /// Writes a copy as .jpg under the picture's own name, with a number before it if that is taken; gives its path.
  std::string add(const std::string& file, const Decoded& answer, std::span<const GivenBox> truth = {}, const std::string& prefix = "");

  const std::string& folder() const { return folder_; }

 private:
  std::string free_name(const std::string& stem);

  std::string folder_;
  std::vector<std::string> labels_;
  std::set<std::string> names_;
};

}  // namespace graft::cli
