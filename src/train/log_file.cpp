#include "train/log_file.h"

#include <filesystem>

#include "core/file.h"

namespace graft::train {

namespace fs = std::filesystem;

void rewrite(const std::string& path, const std::string& content) {
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) {
    write_file_atomically(fs::canonical(path).string(), content);
  } else {
    append_to_file(path, content);
  }
}

std::string whole_lines(const std::string& path) {
  std::string text = fs::exists(path) ? read_file(path) : "";
  text.resize(text.rfind('\n') + 1);  // npos + 1 is 0
  return text;
}

}  // namespace graft::train
