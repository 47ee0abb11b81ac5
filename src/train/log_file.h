#pragma once

#include <string>

namespace graft::train {

/// The file with this content and no other. Links stay, and so do devices. Throws SystemError.
void rewrite(const std::string& path, const std::string& content);

/// What the file holds, without a last line that was not written to its end; empty where there is no such file.
std::string whole_lines(const std::string& path);

}  // namespace graft::train
