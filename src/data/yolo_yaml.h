#pragma once

#include <string>
#include <vector>

namespace graft::data {

/// What a data.yaml says.
struct YoloYaml {
  /// Names of the classes 0, 1, 2, ...
  std::vector<std::string> names;
  /// Folders or lists of pictures of that part; empty where there is none of it.
  std::vector<std::string> pictures;
};

/// Paths start at the entry "path", which starts at the file's folder. Throws DataError if the file is no YAML, or has no names.
YoloYaml read_yolo_yaml(const std::string& path, const std::string& split);

}  // namespace graft::data
