#include "data/picture_folders.h"

#include <algorithm>

#include "graft/core/error.h"

namespace graft::data {

namespace fs = std::filesystem;

void require_folder(const std::string& path) {
  if (fs::is_directory(path)) return;
  throw DataError(
      {.code = "graft-D057",
       .message = std::string("[Pictures] a folder is wanted, ") + (fs::exists(path) ? "got a file." : "there is none of that name."),
       .remedy = "Name the folder of the data set.",
       .place = path});
}

std::vector<std::string> folders_in(const std::string& folder) {
  require_folder(folder);
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory() && !is_hidden(entry.path())) names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (auto entry = fs::recursive_directory_iterator(folder); entry != fs::recursive_directory_iterator(); ++entry) {
    if (is_hidden(entry->path())) {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file()) {
      files.push_back(entry->path());
    }
  }
  std::ranges::sort(files);
  return files;
}

PartFolders part_folders(const std::string& root) {
  const auto first = [&](std::initializer_list<const char*> names) {
    for (const char* name : names) {
      if (const fs::path folder = fs::path(root) / name; fs::is_directory(folder)) return folder.string();
    }
    return std::string();
  };
  return {first({"train"}), first({"val", "valid", "validation"}), first({"test"})};
}

}  // namespace graft::data
