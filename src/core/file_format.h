#pragma once

namespace graft {

/// The format of saved models, apart from the version of the library: it grows when an older reader would misread a file.
constexpr int file_format = 1;

}  // namespace graft
