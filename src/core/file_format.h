#pragma once

#include <array>

namespace graft {

/// The format of saved models, apart from the version of the library: it grows when an older reader would misread a file.
constexpr int file_format = 1;

/// What a backbone's file may hold for whoever trains on it, and a model saved on it keeps: how pictures are prepared, and the names that
/// its tensors had where they came from.
constexpr std::array<const char*, 2> backbone_files{"preprocess.json", "names.json"};

}  // namespace graft
