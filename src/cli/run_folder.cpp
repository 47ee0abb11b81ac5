#include "cli/run_folder.h"

#include <filesystem>
#include <fstream>

#include "core/file.h"
#include "graft/core/error.h"

namespace graft::cli {

namespace fs = std::filesystem;

RunFolder::RunFolder(const std::string& path, bool force) : path_(path) {
  std::error_code error;
  if (fs::exists(path, error) && !(fs::is_directory(path, error) && fs::is_empty(path, error)) && !force) {
    throw ConfigError({.code = "graft-C105",
                       .message = "[graft train] the run folder is there already.",
                       .remedy = "Name another with --out, or overwrite it with --force.",
                       .place = path});
  }
  fs::create_directories(path, error);
  if (error || !fs::is_directory(path)) {
    throw SystemError({.code = "graft-S004",
                       .message = "[graft train] the run folder cannot be made: " + error.message() + ".",
                       .remedy = "Name a folder that you may write to with --out.",
                       .place = path});
  }
}

std::string RunFolder::file(const std::string& name) const { return (fs::path(path_) / name).string(); }

void RunFolder::write(const std::string& name, const Json& content) const {
  write_file_atomically(file(name), content.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

HistoryFile::HistoryFile(std::string path) : path_(std::move(path)) { std::ofstream(path_, std::ios::trunc); }

Action HistoryFile::on_epoch(const EpochRecord& record) {
  std::ofstream(path_, std::ios::app) << record.json().dump() << "\n";
  return Action::Continue;
}

}  // namespace graft::cli
