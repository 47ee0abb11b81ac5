#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// Folders that hold data sets of pictures.
namespace graft::data {

inline bool is_hidden(const std::filesystem::path& path) { return path.filename().string().starts_with('.'); }

/// Throws DataError if it is no folder.
void require_folder(const std::string& path);

/// Names of the folders in it, sorted; hidden ones left out. Throws DataError if it is no folder.
std::vector<std::string> folders_in(const std::string& folder);

/// Files in a folder and below it, by path; hidden ones left out.
std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder);

/// Paths of the folders for the parts of a data set; empty where there is none. Validation data is in "val", "valid" or "validation".
struct PartFolders {
  std::string train, valid, test;
};

PartFolders part_folders(const std::string& root);

}  // namespace graft::data
